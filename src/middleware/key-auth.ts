import * as v from "valibot";
import { queryValue } from "../balancing/request-key.ts";
import { key, optional, withDefault } from "../base/schema/key.ts";
import { list, object } from "../base/schema/shapes.ts";
import { credentialParameter, headerName, text } from "../base/schema/values.ts";
import { consumerHeader, consumerName, hideCredentials, identify, withoutParameter } from "./consumers.ts";
import { plugin } from "./plugin.ts";
import { reject } from "./rejection.ts";

const KEY = "a key, or a text such as ${API_KEY}";

const options = v.pipe(
  object({
    header: withDefault(headerName, "x-api-key", { help: "The header that the key comes in." }),
    query: optional(credentialParameter("the name of a query parameter"), {
      help: "The query parameter that it comes in where the header is not there; by default none.",
    }),
    hide_credentials: hideCredentials,
    consumers: key(
      list(
        object({
          name: key(consumerName, {
            help: "The consumer's name, for later middleware, the access log and the upstream.",
          }),
          key: key(text(KEY), { help: "The key that this consumer sends." }),
        }),
        "consumers",
      ),
      { help: "Who is let in." },
    ),
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
export const key_auth = plugin(
  { help: "Asks for the key of one of the consumers; others get 401.", options, guards: true },
  ({ header, query, hide_credentials, consumers, consumer_header }) => {
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
        return reject(c, {
          code: "unauthorized",
          detail: sent === undefined ? "The request has no API key" : "The request's API key is not valid",
          headers: { "www-authenticate": "ApiKey" },
        });
      }
      identify(c, name, consumer_header);
      if (hide_credentials) {
        if (inHeader !== null) c.env.upstreamHeaders.push([header, undefined]);
        else c.env.search = withoutParameter(search, query!);
      }
      await next();
    };
  },
);
