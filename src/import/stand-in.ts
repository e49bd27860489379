import { DENY_ALL } from "./deny-all.ts";
import { Commented, type YamlMapping, type YamlValue } from "./document.ts";
import type { Input } from "./input.ts";

/** Keys of a route that say which requests it takes, and before which other routes. */
const MATCHING = ["id", "priority", "hosts", "path", "methods", "headers", "query", "cookies"] as const;

/** A name that leads nowhere (RFC 6761 section 6.4): who opens a stand-in has to say where its requests go. */
export const NOWHERE = { host: "left-out.invalid", port: 80 };

/**
 * A route in the place of one that cannot be carried over: it takes the same requests, or more where it is not known
 * which, and refuses them. Without it another route could answer them, past whatever stood guard before this one.
 */
export class StandIn extends Commented {
  /** Of a route, or of as much of it as says which requests it takes. */
  constructor(route: YamlMapping, words: readonly string[], from: readonly Input[]) {
    const taken = Object.fromEntries(MATCHING.map((key) => [key, route[key]]));
    const middleware: YamlValue[] = [DENY_ALL];
    super(
      { ...taken, nodes: [NOWHERE], middleware },
      [
        "LEFT OUT: this route could not be carried over. It refuses its requests, so that no other route takes them",
        ...words,
      ],
      from,
    );
  }
}
