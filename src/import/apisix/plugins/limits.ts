import type { Input } from "../../input.ts";
import { addMiddleware } from "../actions.ts";
import { namedGroup } from "../counts.ts";
import { toMilliseconds } from "../seconds.ts";
import { countsAreLocal, limitKey, refusalOf } from "./keys.ts";
import type { PluginRule } from "./plugin.ts";

function degradation(conf: Input): void {
  if (conf.at("allow_degradation").boolean() === true) {
    conf.at("allow_degradation").note("there is nothing a limit depends on that could fail");
  }
}

export const limitCount: PluginRule = {
  order: 1002,
  convert(conf, actions, { countOf }, order) {
    const key = limitKey(conf);
    if (key === undefined) return false;
    const [limit, seconds] = [conf.at("count").numberOrVariable(), conf.at("time_window").number()];
    if (limit === undefined || seconds === undefined) {
      conf.decline("it has no fixed count and time_window");
      return false;
    }
    countsAreLocal(conf);
    degradation(conf);
    const named = conf.at("group").text();
    const group = named === undefined ? countOf(conf) : namedGroup(named);
    const shown = conf.at("show_limit_quota_header").boolean() ?? true;
    const { status, message } = refusalOf(conf, 503);
    const headers = shown ? "x-ratelimit" : false;
    const made = { limit, window: Math.max(1000, toMilliseconds(seconds)), key, group, status, message, headers };
    return addMiddleware(actions, order, { rate_limit: made }, conf);
  },
};

export const limitReq: PluginRule = {
  order: 1001,
  convert(conf, actions, { countOf }, order) {
    const key = limitKey(conf);
    if (key === undefined) return false;
    const [rate, burst] = [conf.at("rate").numberOrVariable(), conf.at("burst").numberOrVariable()];
    if (rate === undefined) {
      conf.decline("it has no rate");
      return false;
    }
    countsAreLocal(conf);
    degradation(conf);
    const delay = conf.at("nodelay").boolean() === true ? false : undefined;
    return addMiddleware(
      actions,
      order,
      { throttle: { rate, burst, delay, key, group: countOf(conf), ...refusalOf(conf, 503) } },
      conf,
    );
  },
};

export const limitConn: PluginRule = {
  order: 1003,
  convert(conf, actions, { countOf }, order) {
    const key = limitKey(conf);
    if (key === undefined) return false;
    const conn = conf.at("conn").number();
    const burst = conf.at("burst").number() ?? 0;
    if (conn === undefined) {
      conf.decline("it has no conn");
      return false;
    }
    countsAreLocal(conf);
    degradation(conf);
    if (burst > 0) conf.at("burst").note("requests above conn and within burst pass at once instead of being delayed");
    for (const name of ["default_conn_delay", "only_use_default_delay"]) {
      if (conf.at(name).exists) conf.at(name).decline("requests within burst are not delayed");
    }
    return addMiddleware(
      actions,
      order,
      { concurrency_limit: { limit: conn + burst, key, group: countOf(conf), ...refusalOf(conf, 503) } },
      conf,
    );
  },
};

export const clientControl: PluginRule = {
  order: 22_000,
  convert(conf, actions, _context, order) {
    const size = conf.at("max_body_size").number();
    if (size === undefined || size === 0) return true;
    return addMiddleware(actions, order, { body_limit: { max_size: size } }, conf);
  },
};
