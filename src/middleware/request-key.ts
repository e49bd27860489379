import type { Context } from "hono";
import * as v from "valibot";
import { queryValue } from "../balancing/request-key.ts";
import { key, optional } from "../base/schema/key.ts";
import { object, oneOf, oneOrMany, words } from "../base/schema/shapes.ts";
import { headerName, nonEmpty, shownText, token } from "../base/schema/values.ts";
import { cookieValue } from "../http/cookie.ts";
import { commonReading } from "../http/readings.ts";
import { parseAddress } from "../http/trust.ts";
import { requestHost } from "../routing/host.ts";
import type { MiddlewareEnv } from "./plugin.ts";

const WORDS = ["client_ip", "all", "consumer", "host", "path", "method"] as const;
const PART = `one of ${WORDS.join(", ")}, or a mapping of exactly one of header, query, cookie`;

const part = oneOf(
  [
    words(WORDS),
    object({ header: key(headerName, { help: "By the value of this header." }) }),
    object({ query: key(nonEmpty, { help: "By the value of this query parameter." }) }),
    object({ cookie: key(token("a cookie's name"), { help: "By the value of this cookie." }) }),
  ],
  PART,
);

/** `key`: what requests are counted by; a list counts by all of its parts together. */
const requestKey = v.optional(oneOrMany(part, "parts"), "client_ip");

/**
 * Options of every middleware that counts: the key it counts by, and the name of a count that it shares with others.
 */
export const countOptions = {
  key: key(requestKey, {
    help: "Whose requests are counted together: those of one client_ip (IPv6 by its /64), all, those of one consumer, host, path or method (host and path however they are spelled); a list counts for all of its parts together. A request that lacks one of them goes by its client's address instead.",
  }),
  group: optional(shownText("the name of a count that routes share"), {
    help: "Routes with the same group share one count, and their other options must be the same; by default each entry counts by itself.",
  }),
} as const;

type Part = v.InferOutput<typeof part>;

/** One customer usually has a whole /64 of IPv6 addresses: they count as one. */
function addressKey(client: string): string {
  const bytes = client.includes(":") ? parseAddress(client) : undefined;
  return bytes === undefined || bytes.length === 4 ? client : `${bytes.slice(0, 8).join(".")}/64`;
}

/** The client whose share of the key space a key uses, by its address. */
export const ownerOf = (c: Context<MiddlewareEnv>): string => addressKey(c.env.facts.client);

function partOf({ facts, consumer }: MiddlewareEnv["Bindings"], part: Part): string | undefined {
  if (part === "all") return "";
  if (part === "client_ip") return addressKey(facts.client);
  if (part === "consumer") return consumer;
  // All spellings are one: otherwise a client could get a new count with each spelling.
  if (part === "path") return commonReading(facts.path);
  if (part === "host") return requestHost(facts.host);
  if (typeof part === "string") return facts[part];
  if ("header" in part) return facts.headers.get(part.header) || undefined;
  return (
    ("query" in part ? queryValue(facts.search, part.query) : cookieValue(facts.headers, part.cookie)) || undefined
  );
}

/**
 * The key that a request is counted by. Where the request lacks a part, the client's address takes its place: otherwise
 * all clients without it would share one count.
 */
export function compileRequestKey(key: v.InferOutput<typeof requestKey>): (c: Context<MiddlewareEnv>) => string {
  const one = (c: Context<MiddlewareEnv>, wanted: Part): string => {
    const value = partOf(c.env, wanted);
    if (value === undefined) return addressKey(c.env.facts.client);
    return wanted === "client_ip" || wanted === "all" ? value : `= ${value}`;
  };
  if (!Array.isArray(key)) return (c) => one(c, key);
  return (c) => JSON.stringify(key.map((wanted) => one(c, wanted)));
}
