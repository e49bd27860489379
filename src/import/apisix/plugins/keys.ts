import type { YamlValue } from "../../document.ts";
import type { Input } from "../../input.ts";
import { nginxVariablesIn, variableOf } from "../variables.ts";

const SAME_FOR_ALL = new Set(["server_addr", "service_id", "route_id", "server_port"]);

function partOf(name: string): YamlValue | undefined {
  if (SAME_FOR_ALL.has(name)) return "all";
  const variable = variableOf(name);
  if (variable === undefined) return undefined;
  if ("name" in variable) return { [variable.of]: variable.name };
  if (variable.of === "authority") return "host";
  return ["client_ip", "consumer", "host", "path", "method"].includes(variable.of) ? variable.of : undefined;
}

/** Whom a limit counts requests for; undefined: by nothing we have, and the plugin is declined. */
export function limitKey(conf: Input): YamlValue | undefined {
  const type = conf.at("key_type").text() ?? "var";
  const key = conf.at("key").text() ?? "remote_addr";
  if (type === "constant") {
    conf.at("key").note("all requests count together");
    return "all";
  }
  if (type !== "var" && type !== "var_combination") {
    conf.decline("its key_type must be one of var, var_combination, constant");
    return undefined;
  }
  const names = type === "var_combination" ? nginxVariablesIn(key) : [key.replace(/^\$/, "")];
  const parts = names.map(partOf);
  if (parts.length === 0 || parts.some((part) => part === undefined)) {
    conf.decline("requests cannot be counted by its key here");
    return undefined;
  }
  return parts.length === 1 ? parts[0] : (parts as YamlValue[]);
}

/** How a limit refuses: its status and its words. */
export function refusalOf(conf: Input, status: number): { status: number; message: string | undefined } {
  const code = conf.at("rejected_code");
  const wanted = code.number() ?? status;
  if (wanted < 400) code.decline(`a refusal has a status from 400 to 599: it is ${status}`);
  return { status: wanted < 400 ? status : wanted, message: conf.at("rejected_msg").text() };
}

/** Where counts are kept: only in the process itself. */
export function countsAreLocal(conf: Input): void {
  const policy = conf.at("policy");
  const where = policy.text();
  if (where === undefined || where === "local") return;
  policy.decline("counts are kept in each process of the gateway, not in one place for all");
  for (const key of conf.keys()) if (key.startsWith("redis_")) conf.at(key).decline("counts are not kept in Redis");
}
