import { compress as honoCompress } from "hono/compress";
import { etag as honoEtag, RETAINED_304_HEADERS } from "hono/etag";
import { secureHeaders } from "hono/secure-headers";
import * as v from "valibot";
import { list, object, oneOf, record, words } from "../base/schema/shapes.ts";
import { boolean, headerName, headerValue, integer, shown, text, token } from "../base/schema/values.ts";
import { plugin } from "./plugin.ts";

/** What every client gets is no secret. */
const sentValue = shown(headerValue);

const HEADER = "true, false, or the header's value";
const headerValueOr = oneOf([boolean, sentValue], HEADER);
const header = v.optional(headerValueOr, true);

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

const SECURE = {
  cross_origin_embedder_policy: "crossOriginEmbedderPolicy",
  cross_origin_resource_policy: "crossOriginResourcePolicy",
  cross_origin_opener_policy: "crossOriginOpenerPolicy",
  origin_agent_cluster: "originAgentCluster",
  referrer_policy: "referrerPolicy",
  strict_transport_security: "strictTransportSecurity",
  x_content_type_options: "xContentTypeOptions",
  x_dns_prefetch_control: "xDnsPrefetchControl",
  x_download_options: "xDownloadOptions",
  x_frame_options: "xFrameOptions",
  x_permitted_cross_domain_policies: "xPermittedCrossDomainPolicies",
  x_xss_protection: "xXssProtection",
} as const;

const reportUrl = v.pipe(text("a URL"), v.url("a URL"));
const groupName = token("the name of a group of endpoints");
const reportingEndpoints = list(object({ name: groupName, url: reportUrl }), "mappings of name and url");
const reportTo = list(
  object({ group: groupName, max_age: integer(0), endpoints: list(object({ url: reportUrl }), "mappings of url") }),
  "mappings of group, max_age (seconds) and endpoints",
);

const secureOptions = object({
  cross_origin_embedder_policy: v.optional(headerValueOr, false),
  cross_origin_resource_policy: header,
  cross_origin_opener_policy: header,
  origin_agent_cluster: header,
  referrer_policy: header,
  strict_transport_security: header,
  x_content_type_options: header,
  x_dns_prefetch_control: header,
  x_download_options: header,
  x_frame_options: header,
  x_permitted_cross_domain_policies: header,
  x_xss_protection: header,
  remove_powered_by: v.optional(boolean, true),
  overwrite: v.optional(boolean, true),
  content_security_policy: policy,
  content_security_policy_report_only: policy,
  permissions_policy: permissions,
  reporting_endpoints: v.optional(reportingEndpoints),
  report_to: v.optional(reportTo),
});

/** default_src and default-src to defaultSrc, which is how Hono names directives. */
const camel = (name: string): string => name.replace(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase());

const camelKeys = <Value>(values: Readonly<Record<string, Value>> | undefined): Record<string, Value> | undefined =>
  values && Object.fromEntries(Object.entries(values).map(([name, value]) => [camel(name), value]));

/** `secure_headers`: Hono's, with its defaults. */
export const secure_headers = plugin(secureOptions, (options) => {
  const plain = Object.entries(SECURE).map(([key, name]) => [name, options[key as keyof typeof SECURE]]);
  const csp = camelKeys(options.content_security_policy);
  const cspReport = camelKeys(options.content_security_policy_report_only);
  const permitted = camelKeys(options.permissions_policy);
  return secureHeaders({
    ...Object.fromEntries(plain),
    removePoweredBy: options.remove_powered_by,
    overwrite: options.overwrite,
    ...(csp && { contentSecurityPolicy: csp }),
    ...(cspReport && { contentSecurityPolicyReportOnly: cspReport }),
    ...(permitted && { permissionsPolicy: permitted }),
    ...(options.reporting_endpoints && { reportingEndpoints: options.reporting_endpoints }),
    ...(options.report_to && { reportTo: options.report_to }),
  });
});

const compressOptions = object({
  encoding: v.optional(words(["gzip", "deflate"])),
  threshold: v.optional(integer(0), 1024),
});

/** `compress`: Hono's; what is encoded already, and event streams, pass as they are. `threshold` in bytes. */
export const compress = plugin(compressOptions, ({ encoding, threshold }) =>
  honoCompress({ threshold, ...(encoding && { encoding }) }),
);

const etagOptions = object({
  weak: v.optional(boolean, false),
  max_size: v.optional(integer(0), 1_048_576),
  retained_headers: v.optional(list(headerName, "header names")),
});

/**
 * `etag`: Hono's. A digest is made only of answers whose length is known and at most `max_size` bytes: it needs the whole
 * body before the first byte leaves, and streams must not wait.
 */
export const etag = plugin(etagOptions, ({ weak, max_size, retained_headers }) => {
  const retained = retained_headers && [...RETAINED_304_HEADERS, ...retained_headers];
  const handler = honoEtag({ weak, ...(retained && { retainedHeaders: retained }) });
  return async (c, next) => {
    await next();
    const length = c.res.headers.get("content-length");
    const small = length !== null && Number(length) <= max_size;
    if (small || c.res.headers.has("etag")) await handler(c, async () => {});
  };
});

const cacheOptions = object({
  value: sentValue,
  vary: v.optional(list(headerName, "header names")),
  overwrite: v.optional(boolean, false),
  statuses: v.optional(list(integer(100, 599), "HTTP statuses"), [200]),
});

/**
 * `cache_control`: says how long answers may be kept. Hono's `cache` would keep them itself, for which it needs the Cache
 * API, which Bun does not have.
 */
export const cache_control = plugin(cacheOptions, ({ value, vary, overwrite, statuses }) => async (c, next) => {
  await next();
  if (!statuses.includes(c.res.status)) return;
  if (overwrite || !c.res.headers.has("cache-control")) c.header("cache-control", value);
  for (const name of vary ?? []) c.header("vary", name, { append: true });
});
