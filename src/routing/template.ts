import { queryValue } from "../balancing/request-key.ts";
import { cookieValue } from "../http/cookie.ts";
import type { IncomingRequest } from "../http/request.ts";

/** Texts in which `{…}` is a placeholder for a part of the request, for use in a URL. */

/** Reads a part of a request; undefined: the request has none. */
type Read = (facts: IncomingRequest) => string | undefined;

/** How a placeholder is read that not every template has; undefined: there is none of that name. */
export type PlaceholderLookup = (name: string) => Read | undefined;

const encoded = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : encodeURIComponent(value);

const PARTS: Readonly<Record<string, Read>> = {
  scheme: ({ scheme }) => scheme,
  host: ({ host }) => host,
  authority: ({ authority }) => authority,
  method: ({ method }) => method,
  client_ip: ({ client }) => client,
  path: ({ path }) => path,
  query: ({ search }) => search.slice(1) || undefined,
  search: ({ search }) => search || undefined,
  uri: ({ path, search }) => path + search,
};

const NAMED: Readonly<Record<string, (name: string) => Read>> = {
  header: (name) => (facts) => encoded(facts.headers.get(name) ?? undefined),
  cookie: (name) => (facts) => encoded(cookieValue(facts.headers, name)),
  query: (name) => (facts) => encoded(queryValue(facts.search, name)),
};

const PLACEHOLDER = /\{([^{}]*)\}/g;
const NAME = /^(header|cookie|query)\.([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/;

/** The placeholders that every template has, for messages and help. */
export const TEMPLATE_PARTS = `${[...Object.keys(PARTS), ...Object.keys(NAMED).map((of) => `${of}.NAME`)]
  .map((name) => `{${name}}`)
  .join(", ")}`;

function reader(name: string): Read | undefined {
  if (Object.hasOwn(PARTS, name)) return PARTS[name];
  const [, of, what] = NAME.exec(name) ?? [];
  return of === undefined ? undefined : NAMED[of]!(what!);
}

/** Whether every placeholder of a text is one of these, or among `more`. */
export const isTemplate = (text: string, more: readonly string[] = []): boolean =>
  !/[{}]/.test(
    text.replace(PLACEHOLDER, (whole, name: string) =>
      more.includes(name) || reader(name) !== undefined ? "" : whole,
    ),
  );

/**
 * Compiles a text with placeholders. Its value is undefined for a request that has none of the parts, unless there is
 * literal text too. Values are percent-encoded; path and query are as the client sent them. `more` has precedence.
 */
export function compileValue(text: string, more: PlaceholderLookup = () => undefined): Read {
  const pieces: (string | Read)[] = [];
  let end = 0;
  for (const found of text.matchAll(PLACEHOLDER)) {
    pieces.push(text.slice(end, found.index), more(found[1]!) ?? reader(found[1]!) ?? found[0]);
    end = found.index + found[0].length;
  }
  pieces.push(text.slice(end));
  const written = pieces.filter((piece) => piece !== "");
  const always = written.length === 0 || written.some((piece) => typeof piece === "string");
  return (facts) => {
    let present = always;
    let made = "";
    for (const piece of written) {
      const value = typeof piece === "string" ? piece : piece(facts);
      if (value === undefined) continue;
      present = true;
      made += value;
    }
    return present ? made : undefined;
  };
}

/** The same where a text is needed: a part that the request does not have is empty. */
export function compileTemplate(text: string, more?: PlaceholderLookup): (facts: IncomingRequest) => string {
  const value = compileValue(text, more);
  return (facts) => value(facts) ?? "";
}
