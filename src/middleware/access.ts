import { csrf as honoCsrf } from "hono/csrf";
import { ipRestriction } from "hono/ip-restriction";
import * as v from "valibot";
import { optional, withDefault } from "../base/schema/key.ts";
import { keywords, list, object, oneOrMany, words } from "../base/schema/shapes.ts";
import { cidr, shownText } from "../base/schema/values.ts";
import { type MiddlewareContext, plugin } from "./plugin.ts";

const blocks = list(cidr, "addresses or CIDR blocks");

const ipOptions = v.pipe(
  object({
    allow_list: optional(blocks, { help: "Only these are let in; by default all." }),
    deny_list: optional(blocks, { help: "These are not let in, allow_list or not; by default none." }),
  }),
  v.check(
    ({ allow_list, deny_list }) => allow_list !== undefined || deny_list !== undefined,
    "a mapping of allow_list, deny_list or both",
  ),
  keywords({ anyOf: [{ required: ["allow_list"] }, { required: ["deny_list"] }] }),
);

/** `ip_restriction`: Hono's, by the client's address as `server.trusted_proxies` determines it. */
export const ip_restriction = plugin(
  {
    help: "Which clients are let in, by their address as server.trusted_proxies tell it; others get 403.",
    options: ipOptions,
    guards: true,
  },
  ({ allow_list = [], deny_list = [] }) =>
    ipRestriction((c) => (c.env as MiddlewareContext).facts.client, { allowList: allow_list, denyList: deny_list }),
);

const SITES = ["same-origin", "same-site", "none", "cross-site"] as const;

const csrfOptions = object({
  origin: optional(oneOrMany(shownText("an origin such as https://app.example.org"), "origins"), {
    help: "Origins that forms may come from; by default the request's own, by its Host.",
  }),
  sec_fetch_site: withDefault(oneOrMany(words(SITES), "Sec-Fetch-Site values"), "same-origin", {
    help: "Values of Sec-Fetch-Site that forms may come with.",
  }),
});

/**
 * `csrf`: Hono's. Without `origin`, the request's own is allowed: by its `Host` and not by its scheme, since a proxy in
 * front of the gateway may terminate TLS.
 */
export const csrf = plugin(
  {
    help: "Refuses forms sent from other origins with 403: a request with a form's content type, other than GET, HEAD and OPTIONS, needs a right Origin or a right Sec-Fetch-Site.",
    options: csrfOptions,
    guards: true,
  },
  ({ origin, sec_fetch_site }) =>
    honoCsrf({
      origin:
        origin ??
        ((asked, c) => {
          const { scheme, authority } = (c.env as MiddlewareContext).facts;
          return asked === `https://${authority}` || (scheme === "http" && asked === `http://${authority}`);
        }),
      secFetchSite: sec_fetch_site,
    }),
);
