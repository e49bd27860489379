import * as v from "valibot";
import { headerName, object, port, record, token } from "../config/values.ts";
import { cookieValue } from "../cookie.ts";
import type { RequestFacts } from "../request.ts";
import { httpsLocation } from "../routing/https-redirect.ts";
import { compileTemplate, isTemplate, TEMPLATE_PARTS } from "../routing/template.ts";
import { plugin } from "./plugin.ts";

const redirectOptions = object({ port: v.optional(port, 443) });

/**
 * `https_redirect`: sends clients that came over http to the same URL with https: 301 for GET and HEAD, else 308, which
 * keeps the method. A trusted proxy's `X-Forwarded-Proto` tells how they came.
 */
export const https_redirect = plugin(redirectOptions, ({ port }) => async (c, next) => {
  const { facts, trusted } = c.env;
  const told = trusted ? facts.headers.get("x-forwarded-proto") : null;
  if ((told ?? facts.scheme).toLowerCase() === "https" || facts.host === "") return next();
  const status = facts.method === "GET" || facts.method === "HEAD" ? 301 : 308;
  const location = `${httpsLocation(facts.host, port)}${facts.path}${facts.search}`;
  return new Response(null, { status, headers: { location, "content-length": "0" } });
});

const VALUE = `a text without line ends, in which these stand for parts of the request: ${TEMPLATE_PARTS}`;
const headersOptions = object({
  headers: record(
    headerName,
    v.pipe(
      v.string(VALUE),
      v.check((text) => !/\p{Cc}/u.test(text) && isTemplate(text), VALUE),
    ),
    "a mapping of header names to texts",
  ),
});

/** What was sent as a header can stand in one as it is. */
const asSent = (name: string): ((facts: RequestFacts) => string) | undefined => {
  const [, of, what] = /^(header|cookie)\.(.+)$/.exec(name) ?? [];
  if (of === "header") return ({ headers }) => headers.get(what!) ?? "";
  return of === undefined ? undefined : ({ headers }) => cookieValue(headers, what!) ?? "";
};

/** `set_headers`: headers for the upstream with parts of the request in them, such as `{client_ip}`. */
export const set_headers = plugin(headersOptions, ({ headers }) => {
  const made = Object.entries(headers).map(([name, text]) => [name, compileTemplate(text, asSent)] as const);
  return async (c, next) => {
    for (const [name, value] of made) c.env.sets.push([name, value(c.env.facts)]);
    await next();
  };
});

const METHOD = "an HTTP method such as GET";
const methodOptions = object({ method: v.pipe(token(METHOD), v.toUpperCase()) });

/** `set_method`: the method the upstream is asked with. GET and HEAD go without the request's body. */
export const set_method = plugin(methodOptions, ({ method }) => async (c, next) => {
  c.env.method = method;
  if (method === "GET" || method === "HEAD") {
    for (const name of ["content-length", "content-type", "transfer-encoding"]) c.env.sets.push([name, undefined]);
  }
  await next();
});
