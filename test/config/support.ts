import { fail } from "@std/assert";
import { type ConfigIssue, formatIssue, type LoadInput, loadConfig } from "../../src/config/load.ts";
import type { Config, RouteConfig } from "../../src/config/schema.ts";
import type { ClusterOptions } from "../../src/discovery/options.ts";
import { FORMAT } from "../../src/gateway/format.ts";

/** A pod's surroundings: what Kubernetes puts into its environment and its file system. */
export const IN_POD = {
  env: { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" },
  pod: { namespace: "podway", tokenFile: "/sa/token", caFile: "/sa/ca.crt" },
};

type World = Partial<Pick<LoadInput, "env" | "pod">>;

/** Loads a text as gateway.yaml, outside a pod unless said otherwise. */
export const load = (text: string, { env = {}, pod = {} }: World = {}) =>
  loadConfig({ format: FORMAT, file: "gateway.yaml", text, env, pod });

/** The config of a text that must be valid. */
export function config(text: string, world?: World): Config {
  const result = load(text, world);
  return result.ok ? result.config : fail(result.errors.map(formatIssue).join("\n"));
}

/** The one cluster of a text that must be valid, in a pod unless said otherwise. */
export const cluster = (text: string, world: World = IN_POD): ClusterOptions =>
  config(`discovery:\n  kubernetes: ${text}\n`, world).discovery!.clusters[0]!;

/** The first route of a text that must be valid. */
export const route = (text: string, defaults = "{}"): RouteConfig =>
  config(`defaults: ${defaults}\nroutes:\n  - ${text}\n`).routes[0]!;

const shown = ({ line, column, message }: ConfigIssue): string => `${line}:${column}: ${message}`;

/** The errors of a text, as `line:column: message`. */
export function errors(text: string, world?: World): string[] {
  const result = load(text, world);
  return result.ok ? [] : result.errors.map(shown);
}

/** The warnings of a text, as `line:column: message`. */
export const warnings = (text: string, world?: World): string[] => load(text, world).warnings.map(shown);
