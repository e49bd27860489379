import type { YamlValue } from "../../document.ts";
import type { Input } from "../../input.ts";
import { addMiddleware } from "../actions.ts";
import type { PluginRule } from "./plugin.ts";

export const ipRestriction: PluginRule = {
  order: 3000,
  convert(conf, actions, _context, order) {
    const made = { allow_list: conf.at("whitelist").texts(), deny_list: conf.at("blacklist").texts() };
    if (conf.at("message").exists) conf.at("message").decline("a refusal says so in the gateway's own words");
    const code = conf.at("response_code");
    if (code.exists && code.number() !== 403) code.decline("a refusal has status 403");
    return addMiddleware(actions, order, { ip_restriction: made }, conf);
  },
};

export const consumerRestriction: PluginRule = {
  order: 2400,
  convert(conf, actions, _context, order) {
    const type = conf.at("type").text() ?? "consumer_name";
    if (type !== "consumer_name" || conf.at("allowed_by_methods").exists) {
      conf.decline("consumers are told apart by their names only, and for all methods");
      return false;
    }
    const made = {
      allow_list: conf.at("whitelist").texts(),
      deny_list: conf.at("blacklist").texts(),
      status: conf.at("rejected_code").number(),
      message: conf.at("rejected_msg").text(),
    };
    return addMiddleware(actions, order, { consumer_restriction: made }, conf);
  },
};

/** A list in one text; `**` is everything, with credentials too, and `*` everything without. */
function listOf(input: Input): readonly string[] | "all" | undefined {
  const text = input.text();
  if (text === undefined || text === "") return undefined;
  if (text === "**") return "all";
  return text.split(",").map((part) => part.trim());
}

const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE"];

/** APISIX finds it anywhere in the origin, and ours is the whole origin. */
const wholeRegex = (regex: string): string => (/^\^[^|]*\$$/.test(regex) ? regex : `.*(?:${regex}).*`);

export const corsPlugin: PluginRule = {
  order: 4000,
  convert(conf, actions, _context, order) {
    const credentials = conf.at("allow_credential").boolean();
    const regexes = conf.at("allow_origins_by_regex").texts();
    const origins = listOf(conf.at("allow_origins"));
    const methods = listOf(conf.at("allow_methods")) ?? ["*"];
    const headers = listOf(conf.at("allow_headers")) ?? ["*"];
    const exposed = listOf(conf.at("expose_headers"));
    let origin: YamlValue = origins === "all" ? { regex: ".+" } : origins === undefined ? "*" : [...origins];
    if (regexes !== undefined && regexes.length > 0) {
      origin = { regex: regexes.map(wholeRegex).join("|") };
      if (origins !== undefined && origins !== "all" && !origins.includes("*")) {
        conf.at("allow_origins").note("origins are told by allow_origins_by_regex, which is there too");
      }
    }
    if (exposed === "all")
      conf.at("expose_headers").decline("which headers a browser may read is a list of names here");
    const made = {
      origin: Array.isArray(origin) && origin.length === 1 ? origin[0] : origin,
      allow_methods: methods === "all" ? METHODS : methods,
      // Left out: whatever the browser asks for.
      allow_headers: headers === "all" ? undefined : headers,
      expose_headers: exposed === "all" ? undefined : exposed,
      max_age: conf.at("max_age").number() ?? 5,
      credentials,
    };
    return addMiddleware(actions, order, { cors: made }, conf);
  },
};
