import { afterPrefix, decodeForRewrite, decodePrefix, encodePath, pathRegex } from "../http/path.ts";
import { asMatched } from "../http/readings.ts";
import type { IncomingRequest } from "../http/request.ts";
import type { PathRule, RouteRule } from "./options.ts";
import { compilePathOf, compilePathTemplate, groupNames, type PathTemplate } from "./path-template.ts";

type RewriteRule = Pick<RouteRule, "path" | "paths" | "strip_prefix" | "rewrite_path">;

const asSent = (path: string): string => path;

/** What names parts of the path: a template, or a regular expression with named groups. */
export function pathTemplateOf(path: RouteRule["path"]): PathTemplate | undefined {
  if ("template" in path) {
    return compilePathTemplate(path);
  }
  const names = "regex" in path ? groupNames(path.regex) : [];
  if (!("regex" in path) || names.length === 0) return undefined;
  const pattern = pathRegex(path.regex, path.ignore_case);
  return {
    names,
    start: "",
    find: (text) => {
      const groups = pattern.exec(text)?.groups;
      return groups && names.map((name) => groups[name] ?? "");
    },
  };
}

/**
 * Puts `replacement` in place of `prefix` (the Gateway API's ReplacePrefixMatch). Paths under another prefix are left
 * alone. Both are configured texts; the replacement's closing slash counts only where nothing follows.
 */
export function replacePrefix(prefix: string, replacement: string, ignoreCase = false): (path: string) => string {
  const from = ignoreCase ? decodePrefix(prefix).toLowerCase() : decodePrefix(prefix);
  const whole = encodePath(replacement);
  const to = whole.replace(/\/+$/, "");
  return (path) => {
    const rest = afterPrefix(path, from, ignoreCase);
    if (rest === undefined) return path;
    if (rest === "") return whole;
    return to === "" ? rest.replace(/^\/{2,}/, "/") : to + rest;
  };
}

/** The same for the prefix that a route's path rule names. @throws {TypeError} for a rule that is no prefix. */
export function replaceOwnPrefix(rule: PathRule, replacement: string): (path: string) => string {
  if (!("prefix" in rule)) throw new TypeError("Cannot replace the prefix of a route whose path is not a prefix");
  return replacePrefix(rule.prefix, replacement, rule.ignore_case);
}

/**
 * The path an upstream sees, from the path as it was sent: percent-encoded in and out, without query.
 *
 * - `strip_prefix: /v1` makes `/v1` and `/v1/` `/`, `/v1/x` `/x`; other paths stay as they are.
 * - `rewrite_path: {replace_prefix}` replaces the route's own prefix, `{replace}` the whole path.
 * - `rewrite_path: {regex, to}` replaces the first match; `$1` and `$<name>` are groups. It sees the path with its
 *   escapes decoded, except those of reserved characters and of `%`, and what it leaves is encoded again. No match: no
 *   change. Nothing here guards against a slow regular expression.
 * - `rewrite_path: {template}` is made of the parts of the route's own path template, and of the request's.
 *
 * Where the route's path ignores case, so do these comparisons. Where `paths` of the route decides how a path is read,
 * that reading is what is rewritten; a path that is not rewritten stays as it was sent.
 *
 * A rewritten path begins with exactly one slash and holds no raw `?` or `#`: it never becomes an authority or a query.
 * With both keys, `rewrite_path` counts.
 *
 * @throws {TypeError} for `replace_prefix` on a route whose path is no prefix.
 */
export function compileRewrite(rule: RewriteRule): (path: string, facts: IncomingRequest) => string {
  // One function for all routes that rewrite nothing.
  if (rule.rewrite_path === undefined && rule.strip_prefix === undefined) return asSent;
  const rewrite = compileOwnRewrite(rule);
  const matched = asMatched(rule.paths);
  return (path, facts) => {
    const read = matched(path);
    if (read === path) return rewrite(path, facts);
    const made = rewrite(read, { ...facts, path: read });
    return made === read ? path : made;
  };
}

function compileOwnRewrite(rule: RewriteRule): (path: string, facts: IncomingRequest) => string {
  const { rewrite_path: rewrite, strip_prefix: strip } = rule;
  const { ignore_case: ignoreCase = false } = rule.path;
  if (rewrite === undefined) return strip === undefined ? asSent : replacePrefix(strip, "/", ignoreCase);
  if ("template" in rewrite) {
    const make = compilePathOf(rewrite.template, pathTemplateOf(rule.path));
    return (_path, facts) => make(facts);
  }
  if ("replace" in rewrite) {
    const path = encodePath(rewrite.replace);
    return () => path;
  }
  if ("replace_prefix" in rewrite) {
    return replaceOwnPrefix(rule.path, rewrite.replace_prefix);
  }
  const pattern = pathRegex(rewrite.regex, ignoreCase);
  const { to } = rewrite;
  return (path) => {
    const text = decodeForRewrite(path);
    return pattern.test(text) ? encodePath(text.replace(pattern, to)) : path;
  };
}
