import type { Context } from "hono";
import * as v from "valibot";
import { optional, withDefault } from "../base/schema/key.ts";
import { keywords, list, object, off, oneOf } from "../base/schema/shapes.ts";
import { boolean, headerName, shownText } from "../base/schema/values.ts";
import { type MiddlewareEnv, plugin } from "./plugin.ts";
import { reject, rejectionOptions } from "./rejection.ts";

/** Clients with a name: what the middleware that know them have in common. */

const NAME = "the name of a consumer";

/** A consumer's name. */
export const consumerName = shownText(NAME);

/** Whether the upstream gets the credentials. */
export const hideCredentials = withDefault(boolean, false, {
  help: "Whether the credentials are taken out of the request, so that the upstream does not see them.",
});

/** Where the upstream reads who asks; false: nowhere. */
export const consumerHeader = withDefault(oneOf([headerName, off], "a header name, or false"), "x-consumer-username", {
  help: "The header in which the upstream gets the consumer's name, whatever the client sent there; false: none.",
});

/** Notes who asks: for later middleware, and for the upstream, which never sees what a client claims there itself. */
export function identify(c: Context<MiddlewareEnv>, name: string, header: string | false): void {
  c.env.consumer = name;
  if (header !== false) c.env.upstreamHeaders.push([header, name]);
}

/** The query without a parameter; what else is in it stays byte for byte. */
export function withoutParameter(search: string, name: string): string {
  const kept = search
    .slice(1)
    .split("&")
    .filter((pair) => !new URLSearchParams(pair).has(name));
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
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
