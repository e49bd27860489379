import type { Input } from "../../input.ts";
import type { Effects } from "../effects.ts";
import { consumerRestriction, cors, ipRestriction } from "./access.ts";
import { basicAuth, jwtAuth, keyAuth } from "./auth.ts";
import { proxyRewrite, responseRewrite } from "./headers.ts";
import { clientControl, limitConn, limitCount, limitReq } from "./limits.ts";
import { gzip, prometheus, realIp, requestId, trafficSplit } from "./others.ts";
import type { PluginContext, PluginRule } from "./plugin.ts";
import { redirect } from "./redirect.ts";

/** The plugins that are carried over. */
const PLUGINS: Readonly<Record<string, PluginRule>> = {
  "basic-auth": basicAuth,
  "client-control": clientControl,
  "consumer-restriction": consumerRestriction,
  cors,
  gzip,
  "ip-restriction": ipRestriction,
  "jwt-auth": jwtAuth,
  "key-auth": keyAuth,
  "limit-conn": limitConn,
  "limit-count": limitCount,
  "limit-req": limitReq,
  prometheus,
  "proxy-rewrite": proxyRewrite,
  "real-ip": realIp,
  redirect,
  "request-id": requestId,
  "response-rewrite": responseRewrite,
  "traffic-split": trafficSplit,
};

/** Plugins that keep requests out: a route is not opened to everybody because one of them is not known here. */
const GUARDS = new Set([
  "acl",
  "authz-casbin",
  "authz-casdoor",
  "authz-keycloak",
  "basic-auth",
  "cas-auth",
  "chaitin-waf",
  "consumer-restriction",
  "csrf",
  "dingtalk-auth",
  "ext-auth",
  "feishu-auth",
  "forward-auth",
  "hmac-auth",
  "ip-restriction",
  "jwe-decrypt",
  "jwt-auth",
  "key-auth",
  "ldap-auth",
  "ldap-auth-advanced",
  "multi-auth",
  "oas-validator",
  "opa",
  "openid-connect",
  "referer-restriction",
  "request-validation",
  "saml-auth",
  "ua-restriction",
  "uri-blocker",
  "wolf-rbac",
]);

/** What `_meta` says of a plugin; whether it is on. */
function isOn(conf: Input): boolean {
  const meta = conf.at("_meta");
  if (meta.at("disable").boolean() !== true) return true;
  conf.take();
  conf.note("is switched off (_meta.disable): left out");
  return false;
}

/** Converts plugins by their names, in APISIX's order; what of them is not carried over is declined. */
export function convertPlugins(plugins: ReadonlyMap<string, Input>, effects: Effects, context: PluginContext): void {
  for (const [name, conf] of plugins) {
    if (conf.isMapping && !isOn(conf)) continue;
    const rule = Object.hasOwn(PLUGINS, name) ? PLUGINS[name] : undefined;
    let carried = false;
    if (rule === undefined) conf.decline("the gateway has no such plugin");
    else if (!conf.isMapping) conf.decline("a plugin's configuration is a mapping");
    else {
      const order = conf.at("_meta").at("priority").number() ?? rule.order;
      carried = rule.convert(conf, effects, context, order);
      // An empty configuration is carried over by the plugin's being there.
      if (carried && conf.keys().length === 0) conf.take();
    }
    if (!carried && GUARDS.has(name)) effects.closed.push(name);
  }
}
