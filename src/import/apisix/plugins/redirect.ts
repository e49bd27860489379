import { isTemplate } from "../../../routing/template.ts";
import { withoutEnvironment } from "../../escaping.ts";
import type { Input } from "../../input.ts";
import { addMiddleware } from "../actions.ts";
import { isPlainRegex } from "../path.ts";
import { nginxTemplate, replacementOf } from "../variables.ts";
import type { PluginRule } from "./plugin.ts";

const STATUSES = [301, 302, 303, 307, 308];

/** A Location as our routes have it; an environment variable may be its beginning. */
const isLocation = (text: string): boolean =>
  /^(?:[a-z][a-z0-9+.-]*:|\/|\{|\$\{)\S*$/i.test(text) && isTemplate(withoutEnvironment(text));

function locationOf(input: Input, text: string, query: boolean): string | undefined {
  const template = nginxTemplate(text);
  if (template === undefined) {
    input.decline("it has a variable that cannot be carried over");
    return undefined;
  }
  const whole = query ? template + (template.includes("?") ? "&{query}" : "{search}") : template;
  if (isLocation(whole)) return whole;
  input.decline("it must be a URL, or a path that starts with /");
  return undefined;
}

export const redirect: PluginRule = {
  order: 900,
  convert(conf, actions, { httpsPort, global }, order) {
    if (conf.at("http_to_https").boolean() === true) {
      const port = httpsPort === 443 ? {} : { port: httpsPort };
      actions.httpsOnly = true;
      return addMiddleware(actions, order, { https_redirect: port }, conf);
    }
    if (global) {
      conf.decline("a redirect other than to https is for one route");
      return false;
    }
    const code = conf.at("ret_code");
    const status = code.number() ?? 302;
    if (!STATUSES.includes(status)) {
      conf.decline(`its ret_code is none of ${STATUSES.join(", ")}`);
      return false;
    }
    const query = conf.at("append_query_string").boolean() ?? false;
    if (conf.at("encode_uri").boolean() === true) {
      conf.at("encode_uri").note("what a Location takes from the request is percent-encoded as the client sent it");
    }
    const uri = conf.at("uri").text();
    if (uri !== undefined) {
      const location = locationOf(conf.at("uri"), uri, query);
      if (location === undefined) return false;
      actions.redirect = { made: { status, location }, only: undefined };
      return true;
    }
    const pair = conf.at("regex_uri").texts();
    if (pair === undefined) return true;
    const [regex, target] = pair;
    if (pair.length !== 2 || !isPlainRegex(regex!)) {
      conf.at("regex_uri").decline("it must be a regular expression that JavaScript can read, and one replacement");
      return false;
    }
    const location = locationOf(conf.at("regex_uri"), replacementOf(target!), query);
    if (location === undefined) return false;
    actions.redirect = { made: { status, regex: regex!.trim(), location }, only: regex!.trim() };
    return true;
  },
};
