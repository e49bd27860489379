import type { RedirectConfig, RouteConfig } from "../config/route-schema.ts";
import type { RequestFacts } from "../request.ts";
import { encodePath } from "./path.ts";
import { replacePrefix } from "./rewrite.ts";

/** What of a route decides where it redirects to. */
export type RedirectRule = Pick<RouteConfig, "path"> & { redirect: RedirectConfig };

const DEFAULT_PORT = { http: 80, https: 443 } as const;

/** The port an authority names; undefined where it names none. */
const portOf = (authority: string): number | undefined => {
  const digits = /:([0-9]{1,5})$/.exec(authority)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

/** A configured path; a query in it takes the place of the request's. */
const splitQuery = (text: string): { path: string; query: string | undefined } => {
  const at = text.indexOf("?");
  return at === -1 ? { path: text, query: undefined } : { path: text.slice(0, at), query: text.slice(at) };
};

type Target = (facts: RequestFacts) => string;

const compileTarget = (rule: RedirectRule): Target => {
  const { path } = rule.redirect;
  if (path === undefined) return (facts) => facts.path + facts.search;
  if (typeof path === "object" && "replace_prefix" in path) {
    if (!("prefix" in rule.path))
      throw new TypeError("Cannot replace the prefix of a route whose path is not a prefix");
    const replace = replacePrefix(rule.path.prefix, path.replace_prefix);
    return (facts) => replace(facts.path) + facts.search;
  }
  const whole = splitQuery(typeof path === "string" ? path : path.replace);
  const encoded = encodePath(whole.path);
  return ({ search }) => encoded + (whole.query ?? search);
};

/**
 * A route's `redirect` as the function that answers it, by the rules of the Gateway API's HTTPRequestRedirectFilter:
 * what the rule does not name is taken from the request; a rule with a scheme and no port means that scheme's own port,
 * one with neither keeps the port the client used; the port is left out where the scheme implies it. The query is kept,
 * unless the configured path brings its own. A request without a host is redirected by path only.
 *
 * @throws {TypeError} for `replace_prefix` on a route whose path is no prefix.
 */
export function compileRedirect(rule: RedirectRule): (facts: RequestFacts) => Response {
  const { status, scheme: wantedScheme, host: wantedHost, port: wantedPort } = rule.redirect;
  const ownHost = wantedHost?.includes(":") ? `[${wantedHost}]` : wantedHost;
  const target = compileTarget(rule);
  return (facts) => {
    const scheme = wantedScheme ?? facts.scheme;
    const host = ownHost ?? facts.host;
    const port = wantedPort ?? (wantedScheme === undefined ? portOf(facts.authority) : undefined);
    const authority = port === undefined || port === DEFAULT_PORT[scheme] ? host : `${host}:${port}`;
    const to = target(facts);
    // Without an authority before it, a second slash would make the path one (RFC 3986 section 4.2).
    const location = host === "" ? to.replace(/^[/\\]+/, "/") : `${scheme}://${authority}${to}`;
    return new Response(null, { status, headers: { location } });
  };
}
