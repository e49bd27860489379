import * as v from "valibot";
import { key, optional, withDefault } from "../base/schema/key.ts";
import { object } from "../base/schema/shapes.ts";
import { credentialParameter, headerName, text } from "../base/schema/values.ts";
import { consumerHeader, consumersKnownBy, differentKeys, hideCredentials, identify } from "./consumers.ts";
import { findCredential, hideCredential } from "./credentials.ts";
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
    consumers: consumersKnownBy({ key: key(text(KEY), { help: "The key that this consumer sends." }) }),
    consumer_header: consumerHeader,
  }),
  differentKeys(),
);

/** Keys are compared by their digests: the time that takes reveals nothing about a key. */
async function digest(key: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key)));
  return String.fromCharCode(...bytes);
}

/**
 * `key_auth`: lets in clients that send one of the consumers' keys. The upstream gets the consumer's name in
 * `consumer_header`, and the key too unless `hide_credentials`.
 */
export const key_auth = plugin(
  { help: "Asks for the key of one of the consumers; others get 401.", options, guards: true },
  (given) => {
    const { consumers, consumer_header, hide_credentials } = given;
    let names: Promise<ReadonlyMap<string, string>> | undefined;
    const known = (): Promise<ReadonlyMap<string, string>> => {
      names ??= Promise.all(consumers.map(async ({ name, key }) => [await digest(key), name] as const)).then(
        (pairs) => new Map(pairs),
      );
      return names;
    };
    return async (c, next) => {
      const found = findCredential(c.env, given);
      const name = found && (await known()).get(await digest(found.value));
      if (name === undefined) {
        return reject(c, {
          code: "unauthorized",
          detail: found === undefined ? "The request has no API key" : "The request's API key is not valid",
          headers: { "www-authenticate": "ApiKey" },
        });
      }
      identify(c, name, consumer_header);
      if (hide_credentials) hideCredential(c.env, given, found!.place);
      await next();
    };
  },
);
