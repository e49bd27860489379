import * as v from "valibot";
import { key, withDefault } from "../base/schema/key.ts";
import { object } from "../base/schema/shapes.ts";
import { port, token } from "../base/schema/values.ts";
import { httpsLocation } from "../routing/https-redirect.ts";
import { plugin } from "./plugin.ts";

const redirectOptions = object({
  port: withDefault(port, 443, { help: "The port of https, left out of the Location where it is 443." }),
});

/**
 * `https_redirect`: sends clients that came over http to the same URL with https: 301 for GET and HEAD, else 308, which
 * keeps the method. A trusted proxy's `X-Forwarded-Proto` counts.
 */
export const https_redirect = plugin(
  {
    help: "Redirects plain HTTP to https: 301 for GET and HEAD, else 308. How a client came a trusted proxy's X-Forwarded-Proto tells.",
    options: redirectOptions,
  },
  ({ port }) =>
    async (c, next) => {
      const { facts, trusted } = c.env;
      const forwarded = trusted ? facts.headers.get("x-forwarded-proto") : null;
      if ((forwarded ?? facts.scheme).toLowerCase() === "https" || facts.host === "") return next();
      const status = facts.method === "GET" || facts.method === "HEAD" ? 301 : 308;
      const location = `${httpsLocation(facts.host, port)}${facts.path}${facts.search}`;
      return new Response(null, { status, headers: { location, "content-length": "0" } });
    },
);

const METHOD = "an HTTP method such as GET";
const methodOptions = object({ method: key(v.pipe(token(METHOD), v.toUpperCase()), { help: "That method." }) });

/** `set_method`: the method of the upstream's request. GET and HEAD are sent without the body. */
export const set_method = plugin(
  {
    help: "Changes the method that the upstream gets. GET and HEAD go without the request's body.",
    options: methodOptions,
  },
  ({ method }) =>
    async (c, next) => {
      c.env.method = method;
      if (method === "GET" || method === "HEAD") {
        for (const name of ["content-length", "content-type", "transfer-encoding"])
          c.env.upstreamHeaders.push([name, undefined]);
      }
      await next();
    },
);
