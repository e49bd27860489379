import type { WeightedBackend } from "../balancing/weighted-backend.ts";
import type { HttpAnswer } from "../http/message.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { Chain } from "../middleware/chain.ts";
import type { SeriesCounts } from "../telemetry/counters.ts";
import type { ProxyRoute } from "./types.ts";

/** A route that answers with a redirect of its own. */
export interface RedirectRoute<Rule> extends RouteStart<Rule> {
  readonly kind: "redirect";
  readonly answer: (facts: IncomingRequest) => HttpAnswer | undefined;
}

/** A route that passes requests on. */
export interface ForwardingRoute<Rule> extends RouteStart<Rule> {
  readonly kind: "proxy";
  readonly proxy: ProxyRoute;
  readonly choices: readonly WeightedBackend<SeriesCounts>[];
}

/** A route, compiled. `Rule` is what the config says of it. */
export type CompiledRoute<Rule> = RedirectRoute<Rule> | ForwardingRoute<Rule>;

interface RouteStart<Rule> {
  readonly rule: Rule;
  /** What a request goes through first; undefined: nothing. */
  readonly chain: Chain | undefined;
  /** Where answers are counted that no service gave; undefined: there are none, whatever the service. */
  readonly counts: SeriesCounts | undefined;
}
