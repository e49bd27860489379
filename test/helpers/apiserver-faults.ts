import { type ApiserverOptions, createApiserver, type EmbeddedApiserver } from "../../src/demo/apiserver.ts";
import type { ApiVerb, Json, LoggedRequest } from "../../src/demo/types.ts";
import { type Effect, effectOf } from "./fault-effects.ts";

/**
 * What goes wrong with an answer. Positions are bytes of the body; where a position is left out it is its beginning.
 *
 * - `drop`: no answer, the connection is lost (fetch rejects with a TypeError).
 * - `stall`: with `after` undefined no answer ever comes; else that many bytes come (0: the headers), then nothing and no end.
 * - `delay`: the answer comes `ms` later, by the server's clock.
 * - `cut`: after that many bytes the connection is lost; with `clean` the body ends as if it were complete. `chunks` and
 *   `lines` count those instead of bytes; `midLine` lets half of the next line out first.
 * - `garbage`: those bytes stand in the body at `after`.
 * - `status`: this Status (or this `body`), with these headers, instead of the answer.
 * - `errorEvent`: a watch that only has an ERROR event with this Status (default: 410 Expired), then ends.
 * - `html`: a page instead of JSON, as a load balancer answers. The code is 200 unless given.
 * - `wrongKind`: the answer's `kind` is another one (default `PodList`).
 * - `truncate`: the body ends cleanly after `bytes`, by default in its middle.
 * - `rechunk`: the same bytes, in chunks of `bytes`.
 * - `hugeLine`: a body of one line of `bytes` characters that is never valid JSON.
 */
export type FaultEffect =
  | { readonly kind: "drop" }
  | { readonly kind: "stall"; readonly after?: number }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "cut"; readonly after?: number; readonly clean?: boolean }
  | { readonly kind: "cut"; readonly chunks: number; readonly clean?: boolean }
  | { readonly kind: "cut"; readonly lines: number; readonly midLine?: boolean; readonly clean?: boolean }
  | { readonly kind: "garbage"; readonly after?: number; readonly bytes?: string | Uint8Array }
  | {
      readonly kind: "status";
      readonly code: number;
      readonly reason?: string;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  | { readonly kind: "errorEvent"; readonly status?: Json }
  | { readonly kind: "html"; readonly code?: number }
  | { readonly kind: "wrongKind"; readonly as?: string }
  | { readonly kind: "truncate"; readonly bytes?: number }
  | { readonly kind: "rechunk"; readonly bytes: number }
  | { readonly kind: "hugeLine"; readonly bytes: number };

/** Which requests a fault is for: all fields given must agree. `page` is a list's page, from 1. */
interface FaultPattern {
  readonly verb?: ApiVerb;
  readonly resource?: string;
  readonly namespace?: string;
  readonly page?: number;
}

/** One thing that goes wrong. */
export interface Fault {
  /** @default every request */
  readonly match?: FaultPattern | ((request: LoggedRequest) => boolean);
  /** How often; @default until it is removed */
  readonly times?: number;
  readonly effect: FaultEffect;
}

/** The switches of what goes wrong. */
export interface Faults {
  /** From the next request on. Several that match act together, the first added nearest the answer. Returns its removal. */
  add(fault: Fault): () => void;
  clear(): void;
}

/** An embedded apiserver of which parts can be made to fail. */
export interface FaultyApiserver extends EmbeddedApiserver {
  readonly faults: Faults;
}

function matches(match: Fault["match"], request: LoggedRequest): boolean {
  if (typeof match === "function") return match(request);
  return Object.entries(match ?? {}).every(
    ([key, value]) => value === undefined || request[key as keyof FaultPattern] === value,
  );
}

/** Makes an apiserver without faults. */
export function createFaultyApiserver(options: ApiserverOptions): FaultyApiserver {
  const { clock } = options;
  const active = new Set<{ fault: Fault; left: number; effect: Effect }>();
  const faults: Faults = {
    add(fault) {
      const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY, effect: effectOf(fault.effect, clock) };
      active.add(entry);
      return () => void active.delete(entry);
    },
    clear: () => active.clear(),
  };
  const server = createApiserver({
    ...options,
    intercept(request, signal, answer) {
      let through = answer;
      for (const entry of [...active]) {
        if (!matches(entry.fault.match, request)) continue;
        entry.left--;
        if (entry.left <= 0) active.delete(entry);
        const inner = through;
        through = () => entry.effect(inner, signal);
      }
      return through();
    },
  });
  return Object.assign(server, { faults });
}
