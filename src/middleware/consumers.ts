import type { Context } from "hono";
import * as v from "valibot";
import { key, optional, withDefault } from "../base/schema/key.ts";
import { keywords, list, object, off, oneOf } from "../base/schema/shapes.ts";
import { boolean, headerName, shownText } from "../base/schema/values.ts";
import { type MiddlewareEnv, plugin } from "./plugin.ts";
import { reject, rejectionOptions } from "./rejection.ts";

/** Clients with a name: what the middleware that know them have in common. */

/** A consumer's name. */
export const consumerName = shownText("the name of a consumer");

/** Who is let in: consumers, and what each of them is known by. */
export const consumersKnownBy = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  key(
    list(
      object({
        name: key(consumerName, {
          help: "The consumer's name, for later middleware, the access log and the upstream.",
        }),
        ...entries,
      }),
      "consumers",
    ),
    { help: "Who is let in." },
  );

/** No two consumers may have the same key. */
export const differentKeys = <
  Options extends { readonly consumers: readonly { readonly key: string }[] },
>(): v.CheckAction<Options, string> =>
  v.check(
    ({ consumers }) => new Set(consumers.map(({ key }) => key)).size === consumers.length,
    "a mapping whose consumers have each a key of their own",
  );

/** Whether the upstream gets the credentials. */
export const hideCredentials = withDefault(boolean, false, {
  help: "Whether the credentials are taken out of the request, so that the upstream does not see them.",
});

/** The header that names the consumer to the upstream; false: none. */
export const consumerHeader = withDefault(oneOf([headerName, off], "a header name, or false"), "x-consumer-username", {
  help: "The header in which the upstream gets the consumer's name, whatever the client sent there; false: none.",
});

/** Sets the consumer for later middleware, and for the upstream, which never sees what a client sent in that header. */
export function identify(c: Context<MiddlewareEnv>, name: string, header: string | false): void {
  c.env.consumer = name;
  if (header !== false) c.env.upstreamHeaders.push([header, name]);
}

const restrictionOptions = v.pipe(
  object({
    allow_list: optional(list(consumerName, "names of consumers"), { help: "Only these may pass; by default all." }),
    deny_list: optional(list(consumerName, "names of consumers"), {
      help: "These may not pass, allow_list or not; by default none.",
    }),
    ...rejectionOptions("forbidden"),
  }),
  v.check(
    ({ allow_list, deny_list }) => allow_list !== undefined || deny_list !== undefined,
    "a mapping of allow_list, deny_list or both",
  ),
  keywords({ anyOf: [{ required: ["allow_list"] }, { required: ["deny_list"] }] }),
);

/** `consumer_restriction`: which of the consumers that an earlier middleware knows may pass. */
export const consumer_restriction = plugin(
  {
    help: "Which consumers may pass, known by an earlier key_auth, jwt_auth or basic_auth; a request without one gets 401.",
    options: restrictionOptions,
    guards: true,
  },
  ({ allow_list, deny_list, status, message }) => {
    const allowed = allow_list && new Set(allow_list);
    const denied = new Set(deny_list);
    return async (c, next) => {
      const { consumer } = c.env;
      if (consumer === undefined) {
        return reject(c, { code: "unauthorized", detail: "The request's credentials are missing or not valid" });
      }
      if (denied.has(consumer) || allowed?.has(consumer) === false) {
        return reject(c, { code: "forbidden", detail: message ?? "The request is not allowed here", status });
      }
      await next();
    };
  },
);
