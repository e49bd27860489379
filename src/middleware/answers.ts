import { compress as honoCompress } from "hono/compress";
import { etag as honoEtag, RETAINED_304_HEADERS } from "hono/etag";
import { secureHeaders } from "hono/secure-headers";
import * as v from "valibot";
import { key, optional, withDefault } from "../base/schema/key.ts";
import { list, object, oneOf, record, words } from "../base/schema/shapes.ts";
import { boolean, headerName, headerValue, integer, shown, text, token } from "../base/schema/values.ts";
import { honoOptions } from "./hono-options.ts";
import { plugin } from "./plugin.ts";

/** What every client gets is no secret. */
const sentValue = shown(headerValue);

const DIRECTIVES = "a mapping of directives to lists of texts";
const directiveName = v.pipe(
  v.string("a directive"),
  v.regex(/^[a-z]+(?:[-_][a-z]+)*$/, "a directive such as default_src"),
);
const policy = v.optional(
  record(
    directiveName,
    oneOf([sentValue, v.array(sentValue, "a list of texts")], "a text, or a list of texts"),
    DIRECTIVES,
  ),
);
const permissions = v.optional(
  record(
    directiveName,
    oneOf([boolean, list(sentValue, "texts")], "true, false, or a list such as [self]"),
    "a mapping of features to true, false or lists of texts",
  ),
);

const reportUrl = v.pipe(text("a URL"), v.url("a URL"));
const groupName = token("the name of a group of endpoints");
const reportingEndpoints = list(
  object({
    name: key(groupName, { help: "What report-to of a policy calls it." }),
    url: key(reportUrl, { help: "Where browsers send reports." }),
  }),
  "mappings of name and url",
);
const reportTo = list(
  object({
    group: key(groupName, { help: "What report-to of a policy calls it." }),
    max_age: key(integer(0), { help: "Seconds that browsers keep it." }),
    endpoints: key(list(object({ url: key(reportUrl, { help: "The URL of one." }) }), "mappings of url"), {
      help: "Where browsers send reports.",
    }),
  }),
  "mappings of group, max_age (seconds) and endpoints",
);

/** A header that Hono adds: with its own `value`, with a text of the config, or not at all. */
const secure = (name: string, value: string, on = true) =>
  withDefault(oneOf([boolean, sentValue], "true, false, or the header's value"), on, {
    help: `The ${name} header. true: ${value}. false: the gateway adds none.`,
  });

const secureOptions = object({
  cross_origin_embedder_policy: secure("Cross-Origin-Embedder-Policy", "require-corp", false),
  cross_origin_resource_policy: secure("Cross-Origin-Resource-Policy", "same-origin"),
  cross_origin_opener_policy: secure("Cross-Origin-Opener-Policy", "same-origin"),
  origin_agent_cluster: secure("Origin-Agent-Cluster", "?1"),
  referrer_policy: secure("Referrer-Policy", "no-referrer"),
  strict_transport_security: secure("Strict-Transport-Security", "max-age=15552000; includeSubDomains"),
  x_content_type_options: secure("X-Content-Type-Options", "nosniff"),
  x_dns_prefetch_control: secure("X-DNS-Prefetch-Control", "off"),
  x_download_options: secure("X-Download-Options", "noopen"),
  x_frame_options: secure("X-Frame-Options", "SAMEORIGIN"),
  x_permitted_cross_domain_policies: secure("X-Permitted-Cross-Domain-Policies", "none"),
  x_xss_protection: secure("X-XSS-Protection", "0"),
  remove_powered_by: withDefault(boolean, true, { help: "Whether X-Powered-By is taken out of answers." }),
  overwrite: withDefault(boolean, true, {
    help: "Whether these headers stand in place of the upstream's own; false: where it sent one, that stays.",
  }),
  content_security_policy: key(policy, {
    help: "The Content-Security-Policy header, by its directives: default_src and default-src are the same one. By default none.",
  }),
  content_security_policy_report_only: key(policy, {
    help: "The Content-Security-Policy-Report-Only header, by its directives. By default none.",
  }),
  permissions_policy: key(permissions, {
    help: "The Permissions-Policy header, by its features. true: all origins, false: none, a list: these, self among them. By default none.",
  }),
  reporting_endpoints: optional(reportingEndpoints, { help: "The Reporting-Endpoints header; by default none." }),
  report_to: optional(reportTo, { help: "The Report-To header, for older browsers; by default none." }),
});

/** `secure_headers`: Hono's, with its defaults. */
export const secure_headers = plugin(
  { help: "Adds security headers to answers.", options: secureOptions },
  ({ content_security_policy: policy, content_security_policy_report_only: reportOnly, permissions_policy, ...rest }) =>
    secureHeaders(
      honoOptions({
        ...rest,
        content_security_policy: policy && honoOptions(policy),
        content_security_policy_report_only: reportOnly && honoOptions(reportOnly),
        permissions_policy: permissions_policy && honoOptions(permissions_policy),
      }),
    ),
);

const compressOptions = object({
  encoding: optional(words(["gzip", "deflate"]), {
    help: "The only encoding; by default gzip, else deflate, as the client prefers.",
  }),
  threshold: withDefault(integer(0), 1024, {
    help: "Bytes of Content-Length below which an answer is not compressed; one of unknown length is.",
  }),
});

/** `compress`: Hono's; what is encoded already, and event streams, pass as they are. `threshold` in bytes. */
export const compress = plugin(
  {
    help: "Compresses text-like answers for clients that take it; what is encoded already, and event streams, pass as they are.",
    options: compressOptions,
  },
  (options) => honoCompress(honoOptions(options)),
);

const etagOptions = object({
  weak: withDefault(boolean, false, { help: "Whether the ETags made here are weak (W/)." }),
  max_size: withDefault(integer(0), 1_048_576, {
    help: "Bytes up to which an answer gets one; one of unknown length gets none.",
  }),
  retained_headers: optional(list(headerName, "header names"), {
    help: "Headers that a 304 keeps beside those that HTTP wants there: Cache-Control, Content-Location, Date, ETag, Expires and Vary.",
  }),
});

/**
 * `etag`: Hono's. A digest is made only of answers whose length is known and at most `max_size` bytes: it needs the
 * whole body before the first byte leaves, and streams must not wait.
 */
export const etag = plugin(
  {
    help: "Gives answers without an ETag one, made of their body, and answers 304 to a client that has it already.",
    options: etagOptions,
  },
  ({ weak, max_size, retained_headers }) => {
    const retained = retained_headers && [...RETAINED_304_HEADERS, ...retained_headers];
    const handler = honoEtag({ weak, ...(retained && { retainedHeaders: retained }) });
    return async (c, next) => {
      await next();
      const length = c.res.headers.get("content-length");
      const small = length !== null && Number(length) <= max_size;
      if (small || c.res.headers.has("etag")) await handler(c, async () => {});
    };
  },
);

const cacheOptions = object({
  value: key(sentValue, { help: "The Cache-Control header, where the upstream sent none." }),
  vary: optional(list(headerName, "header names"), { help: "Header names that are added to Vary; by default none." }),
  overwrite: withDefault(boolean, false, {
    help: "Whether value stands in place of the upstream's own Cache-Control too.",
  }),
  statuses: withDefault(list(integer(100, 599), "HTTP statuses"), [200], { help: "Which answers get it." }),
});

/**
 * `cache_control`: sets how long answers may be cached. Hono's `cache` would cache them itself, for which it needs the
 * Cache API, which Bun does not have.
 */
export const cache_control = plugin(
  {
    help: "Says how long answers may be kept by clients and caches. The gateway itself keeps none.",
    options: cacheOptions,
  },
  ({ value, vary, overwrite, statuses }) =>
    async (c, next) => {
      await next();
      if (!statuses.includes(c.res.status)) return;
      if (overwrite || !c.res.headers.has("cache-control")) c.header("cache-control", value);
      for (const name of vary ?? []) c.header("vary", name, { append: true });
    },
);
