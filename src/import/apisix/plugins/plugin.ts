import type { Input } from "../../input.ts";
import type { PluginActions } from "../actions.ts";

/** What converting a plugin may look at beside its own configuration. */
export interface PluginContext {
  /** Those of `consumers:`. */
  readonly consumers: readonly Input[];
  /** Notes that credentials of a consumer's plugin were asked for. */
  uses(plugin: string): void;
  /** Where https is served, for redirects to it. */
  readonly httpsPort: number;
  /** Whether it is for all routes (a global rule). */
  readonly global: boolean;
  /** The name of the count that a limit keeps: one for the object that holds the plugin, whatever routes it becomes. */
  countOf(conf: Input): string;
  /** Proxies that a plugin says are to be trusted; only for all routes. */
  trust(blocks: readonly string[]): void;
}

/** A plugin that is carried over. */
export interface PluginRule {
  /** APISIX's priority: plugins run from the highest to the lowest. */
  readonly order: number;
  /** Adds what it does to the actions; what cannot be carried over is declined. False: it was declined as a whole. */
  convert(conf: Input, actions: PluginActions, context: PluginContext, order: number): boolean;
}
