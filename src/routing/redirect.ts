import { Fields } from "../http/header-fields.ts";
import type { HttpAnswer } from "../http/message.ts";
import { decodeForRewrite, encodePart, encodePath, pathRegex } from "../http/path.ts";
import { asMatched } from "../http/readings.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { RedirectConfig, RouteRule } from "./options.ts";
import { replaceOwnPrefix } from "./rewrite.ts";
import { compileTemplate } from "./template.ts";

type RedirectRule = Pick<RouteRule, "path" | "paths"> & { redirect: RedirectConfig };

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

type Target = (facts: IncomingRequest) => string;

const compileTarget = (rule: RedirectRule): Target => {
  const { path } = rule.redirect;
  if (path === undefined) return (facts) => facts.path + facts.search;
  if (typeof path === "object" && "replace_prefix" in path) {
    const replace = replaceOwnPrefix(rule.path, path.replace_prefix);
    const matched = asMatched(rule.paths);
    return (facts) => replace(matched(facts.path)) + facts.search;
  }
  const whole = splitQuery(typeof path === "string" ? path : path.replace);
  const encoded = encodePath(whole.path);
  return ({ search }) => encoded + (whole.query ?? search);
};

/**
 * Whether a route's `redirect.regex` matches a path as it was sent: such a route takes no other path, which are left to
 * the routes behind it. undefined: the route has none.
 */
export function redirectTest({ redirect, paths }: Pick<RouteRule, "redirect" | "paths">) {
  if (redirect?.regex === undefined) return undefined;
  const pattern = pathRegex(redirect.regex);
  const matched = asMatched(paths);
  return (path: string): boolean => pattern.test(decodeForRewrite(matched(path)));
}

/**
 * `location`. With `regex` it takes the place of the match in the path: `$1` to `$9` are its groups, and what is around
 * the match stays. undefined: the path does not match.
 */
function compileLocation(
  written: string,
  regex: string | undefined,
  matched: (path: string) => string,
): (facts: IncomingRequest) => string | undefined {
  if (regex === undefined) return compileTemplate(written);
  const pattern = pathRegex(regex);
  // Compiled between the groups, so that text from a request is never taken for a group or a placeholder.
  const pieces = written
    .split(/(\$[1-9])/)
    .map((piece) => (/^\$[1-9]$/.test(piece) ? Number(piece[1]) : compileTemplate(piece)));
  return (facts) => {
    const text = decodeForRewrite(matched(facts.path));
    const match = pattern.exec(text);
    if (match === null) return undefined;
    const filled = pieces.map((piece) => (typeof piece === "number" ? encodePart(match[piece] ?? "") : piece(facts)));
    return (
      encodePart(text.slice(0, match.index)) + filled.join("") + encodePart(text.slice(match.index + match[0].length))
    );
  };
}

const redirectTo = (status: number, location: string): HttpAnswer => ({
  status,
  statusText: "",
  headers: Fields.from([["location", location]]),
  body: null,
});

/**
 * A route's `redirect` as the function that answers it, by the rules of the Gateway API's HTTPRequestRedirectFilter:
 * what the rule does not name is taken from the request; a rule with a scheme and no port means that scheme's own port,
 * one with neither keeps the port the client used; the port is left out where the scheme implies it. The query is kept,
 * unless the configured path has its own. A request without a host is redirected by path only. A `location` is sent as
 * it is written, with the request's parts in it. Undefined: its `regex` does not match the path.
 *
 * @throws {TypeError} for `replace_prefix` on a route whose path is no prefix.
 */
export function compileRedirect(rule: RedirectRule): (facts: IncomingRequest) => HttpAnswer | undefined {
  const { status, scheme: wantedScheme, host: wantedHost, port: wantedPort, location: written } = rule.redirect;
  if (written !== undefined) {
    const locate = compileLocation(written, rule.redirect.regex, asMatched(rule.paths));
    const ownAuthority = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(written);
    return (facts) => {
      const location = locate(facts);
      if (location === undefined) return undefined;
      // Text from a request must not turn a path into an authority (RFC 3986 section 4.2).
      const safe = ownAuthority ? location : location.replace(/^[/\\]{2,}/, "/");
      return redirectTo(status, safe);
    };
  }
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
    return redirectTo(status, location);
  };
}
