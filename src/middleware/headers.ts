import * as v from "valibot";
import { anyText, headerName, headerValue, nonEmpty, object, record } from "../config/values.ts";
import { cookieValue } from "../cookie.ts";
import type { RequestFacts } from "../request.ts";
import { compileTemplate, isTemplate, TEMPLATE_PARTS } from "../routing/template.ts";
import { plugin } from "./plugin.ts";

const VALUE = `a text in which these stand for parts of the request: ${TEMPLATE_PARTS}`;
const HEADERS = "a mapping of header names to texts with parts of the request";

const setOptions = record(headerName, v.pipe(headerValue, v.check(isTemplate, VALUE)), HEADERS);

/** What was sent as a header can stand in one as it is. */
const asSent = (name: string): ((facts: RequestFacts) => string) | undefined => {
  const [, of, what] = /^(header|cookie)\.(.+)$/.exec(name) ?? [];
  if (of === "header") return ({ headers }) => headers.get(what!) ?? "";
  return of === undefined ? undefined : ({ headers }) => cookieValue(headers, what!) ?? "";
};

/** `set_headers`: headers for the upstream whose values are made of parts of the request; see `request_headers` for others. */
export const set_headers = plugin(setOptions, (headers) => {
  const made = Object.entries(headers).map(([name, value]) => ({ name, value: compileTemplate(value, asSent) }));
  return async (c, next) => {
    for (const { name, value } of made) c.env.sets.push([name, value(c.env.facts)]);
    await next();
  };
});

const replacement = object({ find: nonEmpty, with: anyText });
const replacements = v.optional(record(headerName, replacement, "a mapping of header names to find and with"));
const replaceOptions = object({ request: replacements, response: replacements });

/**
 * `replace_headers`: puts a text in the place of another one wherever it stands in a header, of the request or of the
 * answer; a header that is not there stays away.
 */
export const replace_headers = plugin(replaceOptions, ({ request = {}, response = {} }) => {
  const asked = Object.entries(request);
  const answered = Object.entries(response);
  return async (c, next) => {
    for (const [name, { find, with: text }] of asked) {
      const value = c.env.facts.headers.get(name);
      if (value?.includes(find)) c.env.sets.push([name, value.replaceAll(find, () => text)]);
    }
    await next();
    for (const [name, { find, with: text }] of answered) {
      const value = c.res.headers.get(name);
      if (value?.includes(find))
        c.header(
          name,
          value.replaceAll(find, () => text),
        );
    }
  };
});
