import * as v from "valibot";
import { type KeyRules, key, lateDefault, mapping, optional, withDefault } from "../../base/schema/key.ts";
import { keywords, object, oneOf, words } from "../../base/schema/shapes.ts";
import { anyText, boolean, host, port, regexSource, shown, shownUrl } from "../../base/schema/values.ts";
import { pathTemplateFault } from "../../routing/path-template.ts";
import { isTemplate, TEMPLATE_PARTS } from "../../routing/template.ts";

const PATH = "a path that starts with /, without ? and #";

/** A path requests are compared with: the query and the fragment are no part of it. */
export const plainPath = v.pipe(
  shown(v.string(PATH)),
  v.startsWith("/", PATH),
  v.check((path) => !/[?#]/.test(path), PATH),
  keywords({ pattern: "^/[^?#]*$" }),
);

const PREFIX = "a path that starts with /, without a * at its end (it stands for all paths below it as it is)";

const prefixText = v.pipe(
  plainPath,
  v.check((path) => !path.endsWith("/*"), PREFIX),
  keywords({ pattern: "^/(?:[^?#]*(?:[^*?#]|[^/?#]\\*))?$" }),
);

/** A path to ask for or to redirect to: a query in it is meant. */
export const targetPath = v.pipe(v.string("a path that starts with /"), v.startsWith("/", "a path that starts with /"));
const shownTarget = shown(targetPath);

const TEMPLATE = "a path such as /orders/{id}/{rest*}, whose names differ";

/** A path with named parts. */
const pathTemplate = v.pipe(
  plainPath,
  v.check((path) => pathTemplateFault(path) === undefined, TEMPLATE),
  keywords({ pattern: "^/(?:[^?#{}]|\\{[A-Za-z_][A-Za-z0-9_-]*\\*?\\})*$" }),
);

const anyCase = {
  ignore_case: lateDefault(boolean, false, { help: "Matches in any case, and so do strip_prefix and rewrite_path." }),
} as const;

/** A prefix written as a text alone. */
const prefixOf = (prefix: string): { prefix: string; ignore_case?: boolean | undefined } => ({ prefix });

/** A path is a prefix by whole segments unless it says otherwise. */
export const path = oneOf(
  [
    v.pipe(prefixText, v.transform(prefixOf)),
    object({ exact: key(plainPath, { help: "The whole path." }), ...anyCase }),
    object({ prefix: key(prefixText, { help: "By whole segments." }), ...anyCase }),
    object({ starts_with: key(plainPath, { help: "The first characters, wherever a segment ends." }), ...anyCase }),
    object({
      template: key(pathTemplate, {
        help: "A path with named parts: {name} is one segment, {name*} whatever is left.",
      }),
      optional_slash: lateDefault(boolean, false, {
        help: "The template matches with and without a slash at the end of the path.",
      }),
      ...anyCase,
    }),
    object({
      regex: key(shown(regexSource), { help: "Found anywhere in the path unless it says ^ or $." }),
      ...anyCase,
    }),
  ],
  "a path that starts with /, or a mapping of exactly one of exact, prefix, starts_with, template, regex",
);

const LOCATION = `a URL or a path for the Location header, in ASCII (other letters percent-encoded), in which these stand for parts of the request: ${TEMPLATE_PARTS}`;

const location = v.pipe(
  shownUrl(v.string(LOCATION)),
  v.regex(/^(?:[a-z][a-z0-9+.-]*:|\/|\{)[!-~]*$/i, LOCATION),
  v.check(isTemplate, LOCATION),
);

const PARTS = ["scheme", "host", "port", "path"] as const;

const REDIRECT_RULES: KeyRules = {
  some: [...PARTS, "location"],
  none: `must change one of ${PARTS.join(", ")}, or have a location: it leads back to itself`,
  alone: { location: PARTS },
  with: { regex: "location" },
};

/** A route that answers by itself. */
export const redirectSchema = mapping(
  object({
    status: withDefault(words([301, 302, 303, 307, 308]), 302, {
      help: "301 and 308 are for good, the others for now; 307 and 308 keep the method.",
    }),
    scheme: optional(words(["http", "https"]), { help: "By default the request's own." }),
    host: optional(host, { help: "By default the request's own." }),
    port: optional(port, { help: "By default the port of scheme where that is given, else the request's own." }),
    path: optional(
      oneOf(
        [
          shownTarget,
          object({
            replace: key(shownTarget, {
              help: "Stands in place of the whole path; the query stays unless this has its own.",
            }),
          }),
          object({ replace_prefix: key(shownTarget, { help: "Stands in place of the route's prefix path." }) }),
        ],
        "a path that starts with /, or a mapping of exactly one of replace, replace_prefix",
      ),
      { help: "By default the request's own. A text is the whole path; the query stays unless it has its own." },
    ),
    location: optional(location, {
      help: "The whole Location, made of parts of the request, in place of scheme, host, port and path.",
    }),
    regex: optional(shown(regexSource), {
      help: "Only with location, which stands in place of what this finds in the path; $1 in it is the first group. A request in whose path it finds nothing is left to other routes.",
    }),
  }),
  { rules: REDIRECT_RULES },
);

/** How the path is changed on its way to the upstream. */
export const rewritePath = oneOf(
  [
    object({ replace_prefix: key(shownTarget, { help: "Stands in place of the route's prefix path." }) }),
    // A whole path may be a secret, such as that of a webhook.
    object({ replace: key(targetPath, { help: "Stands in place of the whole path." }) }),
    object({
      template: key(shownTarget, {
        help: `A path made of the parts of the route's own template or named groups, and of the request's: ${TEMPLATE_PARTS}.`,
      }),
    }),
    object({
      regex: key(shown(regexSource), {
        help: "The first place in the path where this is found is replaced by to; where it is not found the path stays.",
      }),
      to: key(anyText, { help: "In place of what regex finds; $1 is its first group, $<name> one with a name." }),
    }),
  ],
  "a mapping of exactly one of replace_prefix, replace, template, or regex with to",
);
