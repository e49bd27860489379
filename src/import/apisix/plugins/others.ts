import { addMiddleware } from "../actions.ts";
import { isBlock } from "../text.ts";
import type { PluginRule } from "./plugin.ts";

export const requestId: PluginRule = {
  order: 12_015,
  convert(conf, actions, _context, order) {
    if (conf.at("include_in_response").boolean() === false) {
      conf.at("include_in_response").decline("clients always get the id of their request");
    }
    const algorithm = conf.at("algorithm");
    if ((algorithm.text() ?? "uuid") !== "uuid") algorithm.decline("ids are UUIDs");
    const name = conf.at("header_name").text();
    return addMiddleware(actions, order, { request_id: { header_name: name } }, conf);
  },
};

export const prometheus: PluginRule = {
  order: 500,
  convert(conf) {
    if (conf.at("prefer_name").exists) conf.at("prefer_name").decline("routes are counted by their ids");
    conf.note("all routes are counted anyway: GET /metrics of the admin API, under names of its own");
    return true;
  },
};

export const gzip: PluginRule = {
  order: 995,
  convert(conf, actions, _context, order) {
    const threshold = conf.at("min_length").number() ?? 20;
    return addMiddleware(actions, order, { compress: { encoding: "gzip", threshold } }, conf);
  },
};

export const trafficSplit: PluginRule = {
  order: 966,
  convert(conf, actions, { global }) {
    if (global) {
      conf.decline("traffic is split on a route, not on all of them");
      return false;
    }
    actions.split = conf.at("rules");
    return true;
  },
};

export const realIp: PluginRule = {
  order: 23_000,
  convert(conf, _actions, { global, trust }) {
    if (!global) {
      conf.decline("which proxies are believed is set for the whole gateway: server.trusted_proxies");
      return false;
    }
    const source = conf.at("source");
    const header = source.text();
    if (header === "http_x_real_ip")
      source.note("X-Forwarded-For and Forwarded count before it, where a proxy sends one");
    else if (header !== "http_x_forwarded_for") {
      source.decline("the client's address is read from X-Forwarded-For, Forwarded or X-Real-IP", "access");
    }
    const recursive = conf.at("recursive");
    if (recursive.boolean() !== true) {
      (recursive.exists ? recursive : conf).note("the chain of trusted proxies is always followed to its end");
    }
    const blocks = conf.at("trusted_addresses").texts();
    if (blocks === undefined) {
      conf.decline("it trusts everybody: name the proxies in server.trusted_proxies");
      return false;
    }
    if (!blocks.every(isBlock)) {
      conf.at("trusted_addresses").decline("it must be a list of addresses or CIDR blocks");
      return false;
    }
    trust(blocks);
    return true;
  },
};
