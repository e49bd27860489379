import * as v from "valibot";
import { key } from "../base/schema/key.ts";
import { list, object, oneOf, record } from "../base/schema/shapes.ts";
import { headerName, headerValue, text } from "../base/schema/values.ts";
import { cookieValue } from "../http/cookie.ts";
import type { IncomingRequest } from "../http/request.ts";
import { compileValue, isTemplate, TEMPLATE_PARTS } from "../routing/template.ts";
import { plugin } from "./plugin.ts";

const VALUE = `a text in which these stand for parts of the request: ${TEMPLATE_PARTS}`;
const HEADERS = "a mapping of header names to texts with parts of the request, or lists of such texts";

const value = v.pipe(
  headerValue,
  v.check((text: string) => isTemplate(text), VALUE),
);
const setOptions = record(
  headerName,
  oneOf([value, list(value, "texts")], `${VALUE}, or a list of such texts`),
  HEADERS,
);

/** A value that was sent in a header fits into a header as it is, without encoding. */
const asSent = (name: string): ((facts: IncomingRequest) => string | undefined) | undefined => {
  const [, of, what] = /^(header|cookie)\.(.+)$/.exec(name) ?? [];
  if (of === "header") return ({ headers }) => headers.get(what!) ?? undefined;
  return of === undefined ? undefined : ({ headers }) => cookieValue(headers, what!);
};

/**
 * `set_headers`: headers for the upstream whose values are made of parts of the request; see `request_headers` for
 * others. Where the request has none of the parts, the upstream gets no such header, not even the client's own.
 */
export const set_headers = plugin(
  {
    help: `Headers for the upstream, made of parts of the request: ${TEMPLATE_PARTS}. A value made only of parts that the request does not have makes none.`,
    options: setOptions,
  },
  (headers) => {
    const made = Object.entries(headers).map(([name, values]) => ({
      name,
      values: [values].flat().map((text) => compileValue(text, asSent)),
    }));
    return async (c, next) => {
      const { facts, upstreamHeaders } = c.env;
      for (const { name, values } of made) {
        upstreamHeaders.push([name, values.map((value) => value(facts)).filter((value) => value !== undefined)]);
      }
      await next();
    };
  },
);

const replacement = object({
  find: key(text("a text that is not empty"), {
    help: "What is replaced, everywhere it stands; a text as it is, no regular expression.",
  }),
  with: key(headerValue, { help: "What stands in its place." }),
});
const replacements = v.optional(record(headerName, replacement, "a mapping of header names to find and with"));
const replaceOptions = object({
  request: key(replacements, { help: "Headers that the upstream gets; by default none." }),
  response: key(replacements, { help: "Headers that the client gets; by default none." }),
});

/**
 * `replace_headers`: replaces a text by another one wherever it occurs in a header of the request or the answer; an
 * absent header stays absent.
 */
export const replace_headers = plugin(
  {
    help: "Puts a text in the place of another one, wherever it stands in a header of the request or the answer. A header that is not there is not made.",
    options: replaceOptions,
  },
  ({ request = {}, response = {} }) => {
    const asked = Object.entries(request);
    const answered = Object.entries(response);
    return async (c, next) => {
      for (const [name, { find, with: text }] of asked) {
        const value = c.env.facts.headers.get(name) ?? undefined;
        c.env.upstreamHeaders.push([name, value?.replaceAll(find, () => text)]);
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
  },
);
