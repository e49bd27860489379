import * as v from "valibot";
import { queryValue } from "../balancing/request-key.ts";
import { list, object } from "../base/schema/shapes.ts";
import { boolean, credentialParameter, headerName, text } from "../base/schema/values.ts";
import { consumerHeader, consumerName, identify, withoutParameter } from "./consumers.ts";
import { plugin } from "./plugin.ts";
import { refuse } from "./refusal.ts";

const KEY = "a key, or a text such as ${API_KEY}";

const options = v.pipe(
  object({
    header: v.optional(headerName, "x-api-key"),
    query: v.optional(credentialParameter("the name of a query parameter")),
    hide_credentials: v.optional(boolean, false),
    consumers: list(object({ name: consumerName, key: text(KEY) }), "consumers"),
    consumer_header: consumerHeader,
  }),
  v.check(
    ({ consumers }) => new Set(consumers.map(({ key }) => key)).size === consumers.length,
    "a mapping whose consumers have each a key of their own",
  ),
);

/** Keys are compared by their digests: how long that takes tells nothing of a key. */
async function digest(key: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key)));
  return String.fromCharCode(...bytes);
}

/**
 * `key_auth`: lets in who sends one of the consumers' keys, in `header` or else in the parameter `query`. The upstream is
 * told the consumer's name in `consumer_header`, and gets the key too unless `hide_credentials`.
 */
export const key_auth = plugin(options, ({ header, query, hide_credentials, consumers, consumer_header }) => {
  let names: Promise<ReadonlyMap<string, string>> | undefined;
  const known = (): Promise<ReadonlyMap<string, string>> => {
    names ??= Promise.all(consumers.map(async ({ name, key }) => [await digest(key), name] as const)).then(
      (pairs) => new Map(pairs),
    );
    return names;
  };
  return async (c, next) => {
    const { headers, search } = c.env.facts;
    const inHeader = headers.get(header);
    const sent = inHeader ?? (query === undefined ? undefined : queryValue(search, query));
    const name = sent === undefined ? undefined : (await known()).get(await digest(sent));
    if (name === undefined) {
      return refuse(c, {
        code: "unauthorized",
        detail: sent === undefined ? "The request has no API key" : "The request's API key is not valid",
        headers: { "www-authenticate": "ApiKey" },
      });
    }
    identify(c, name, consumer_header);
    if (hide_credentials) {
      if (inHeader !== null) c.env.sets.push([header, undefined]);
      else c.env.search = withoutParameter(search, query!);
    }
    await next();
  };
});
