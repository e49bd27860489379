import type { Input } from "../../input.ts";
import type { PluginActions } from "../actions.ts";
import { nearestPlugin } from "../nearest.ts";
import { consumerRestriction, corsPlugin, ipRestriction } from "./access.ts";
import { basicAuth, jwtAuth, keyAuth } from "./auth.ts";
import { proxyRewrite, responseRewrite } from "./headers.ts";
import { clientControl, limitConn, limitCount, limitReq } from "./limits.ts";
import { gzip, prometheus, realIp, requestId, trafficSplit } from "./others.ts";
import type { PluginContext, PluginRule } from "./plugin.ts";
import { redirect } from "./redirect.ts";
import { roleOf } from "./refusing.ts";

/** The plugins that are carried over. */
const PLUGINS: Readonly<Record<string, PluginRule>> = {
  "basic-auth": basicAuth,
  "client-control": clientControl,
  "consumer-restriction": consumerRestriction,
  cors: corsPlugin,
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

/** What `_meta` says of a plugin; whether it is on. */
function isOn(conf: Input): boolean {
  const meta = conf.at("_meta");
  if (meta.at("disable").boolean() !== true) return true;
  conf.take();
  conf.note("is switched off (_meta.disable): left out");
  return false;
}

/** Why a plugin cannot be carried over for what `_meta` says; undefined: it can be. */
function metaFault(conf: Input, name: string): string | undefined {
  const meta = conf.at("_meta");
  if (meta.at("pre_function").exists) return "its _meta.pre_function is Lua code";
  const filter = meta.at("filter");
  if (!filter.exists || (filter.isList && filter.items().length === 0)) {
    filter.take();
    return undefined;
  }
  if (!STRICTER.has(name)) return "it applies under a condition (_meta.filter), and here it would to every request";
  filter.decline("it applies to every request here", "access");
  return undefined;
}

/** Plugins that let fewer requests pass, and do nothing else, where they apply to all of them. */
const STRICTER = new Set([
  "basic-auth",
  "ip-restriction",
  "jwt-auth",
  "key-auth",
  "limit-conn",
  "limit-count",
  "limit-req",
]);

/** Converts a plugin; whether all that can refuse a request is carried over. */
function convertPlugin(name: string, conf: Input, actions: PluginActions, context: PluginContext): boolean {
  const rule = Object.hasOwn(PLUGINS, name) ? PLUGINS[name] : undefined;
  if (rule === undefined) {
    const nearest = nearestPlugin(name);
    return decline(conf, name, `the gateway has no such plugin${nearest === undefined ? "" : `: ${nearest}`}`);
  }
  // Null is an empty configuration.
  if (!conf.isMapping && conf.raw !== null) return decline(conf, name, "a plugin's configuration is a mapping");
  const fault = metaFault(conf, name);
  if (fault !== undefined) return decline(conf, name, fault);
  const order = conf.at("_meta").at("priority").number() ?? rule.order;
  const carried = rule.convert(conf, actions, context, order);
  if (carried) conf.carry();
  return carried;
}

function decline(conf: Input, name: string, why: string): false {
  conf.decline(why, roleOf(name) === "passes" ? "difference" : "access");
  return false;
}

/** What becomes of access where a plugin is not carried over, for its report. */
const OUTCOMES = { guards: "what it stood before is shut", limits: "what it stood before is open without it" } as const;

/** Converts plugins by their names, in APISIX's order; what of them is not carried over is declined. */
export function convertPlugins(
  plugins: ReadonlyMap<string, Input>,
  actions: PluginActions,
  context: PluginContext,
): void {
  for (const [name, conf] of plugins) {
    if (conf.isMapping && !isOn(conf)) continue;
    if (convertPlugin(name, conf, actions, context)) continue;
    // Addresses that are let in are not the clients' where the proxies before the gateway are not known.
    const blind = name === "real-ip" && plugins.has("ip-restriction");
    const role = blind || conf.at("_meta").at("pre_function").exists ? "guards" : roleOf(name);
    if (role === "passes") continue;
    conf.decline(OUTCOMES[role], "access");
    if (role === "guards") actions.unconverted.push(name);
  }
}
