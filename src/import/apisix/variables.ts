/** nginx's variables, as APISIX's configuration names them. */

/** `http_x_api_key` is the header `x-api-key`. */
export const headerOf = (rest: string): string => rest.toLowerCase().replaceAll("_", "-");

/** What of a request a variable stands for. */
export type NginxVariable =
  | { readonly of: "header" | "query" | "cookie"; readonly name: string }
  | {
      readonly of:
        | "client_ip"
        | "method"
        | "host"
        | "authority"
        | "path"
        | "uri"
        | "query_string"
        | "scheme"
        | "consumer";
    };

const PLAIN: Readonly<Record<string, NginxVariable>> = {
  remote_addr: { of: "client_ip" },
  request_method: { of: "method" },
  method: { of: "method" },
  host: { of: "host" },
  http_host: { of: "authority" },
  uri: { of: "path" },
  request_uri: { of: "uri" },
  args: { of: "query_string" },
  query_string: { of: "query_string" },
  scheme: { of: "scheme" },
  consumer_name: { of: "consumer" },
};

/** The variable of a name without its dollar sign; undefined: none that can be carried over. */
export function variableOf(name: string): NginxVariable | undefined {
  if (Object.hasOwn(PLAIN, name)) return PLAIN[name];
  const [, kind, rest] = /^(http|arg|cookie)_([A-Za-z0-9_-]+)$/.exec(name) ?? [];
  if (rest === undefined) return undefined;
  if (kind === "http") return { of: "header", name: headerOf(rest) };
  return { of: kind === "arg" ? "query" : "cookie", name: rest };
}

/**
 * In our notation `$${name}` and `$name` are nginx's variables, `${NAME}` is one of the environment. In braces there
 * may be spaces around the name, and a default behind it (`$${name ?? text}`), with which it is no variable that can be
 * carried over.
 */
const REFERENCE = /\$\$\{\s*([A-Za-z_][^}]*?)\s*\}|\$([A-Za-z_][A-Za-z0-9_]*)/g;

/** Whether a text holds nginx's variables. */
export const hasVariables = (text: string): boolean => text.search(REFERENCE) !== -1;

/** The variables of a text such as `$remote_addr $http_x`. */
export const nginxVariablesIn = (text: string): string[] =>
  [...text.matchAll(REFERENCE)].map(([, braced, bare]) => braced ?? bare!);

const PLACEHOLDERS: Readonly<Record<string, string>> = {
  client_ip: "{client_ip}",
  method: "{method}",
  host: "{host}",
  authority: "{authority}",
  path: "{path}",
  uri: "{uri}",
  query_string: "{query}",
  scheme: "{scheme}",
};

const placeholderOf = (name: string): string | undefined => {
  const variable = variableOf(name);
  if (variable === undefined) return undefined;
  return "name" in variable ? `{${variable.of}.${variable.name}}` : PLACEHOLDERS[variable.of];
};

const QUERY = /^\$(?:is_args|\$\{is_args\})/;

/** A replacement of a regular expression, whose groups are `$1` here and may be `${1}` there. */
export const replacementOf = (text: string): string => text.replace(/\$\$\{([0-9])\}/g, "$$$1");

/** What of a text with variables is none of its words: `$is_args$args`, `${NAME}` in either sense, `$NAME`, braces. */
const PARTS =
  /\\\$[0-9A-Za-z_]+|\$(?:is_args|\$\{is_args\})\$(?:args|query_string|\$\{(?:args|query_string)\})|\$\$\{\s*([A-Za-z_][^}]*?)\s*\}|\$\{[^}]*\}|\$([A-Za-z_][A-Za-z0-9_]*)|[{}]/g;

/** A URL with nginx's variables as one with our placeholders; undefined: it has a variable that we have not. */
export function nginxTemplate(text: string): string | undefined {
  let unknown = false;
  const made = text.replace(PARTS, (found: string, braced?: string, bare?: string, at?: number) => {
    // A dollar sign that means itself must not make an environment variable of the placeholder after it.
    const dollar = text[at! - 1] === "$" ? "$" : "";
    if (found.startsWith("\\")) return found;
    if (QUERY.test(found)) return `${dollar}{search}`;
    const name = braced ?? bare;
    if (name === undefined) return found === "{" ? "%7B" : found === "}" ? "%7D" : found;
    const placeholder = placeholderOf(name);
    if (placeholder === undefined) unknown = true;
    return dollar + (placeholder ?? "");
  });
  return unknown ? undefined : made;
}
