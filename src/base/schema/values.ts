import * as v from "valibot";
import { isAddress, isCidr, isHostName, stripBrackets } from "../addresses.ts";
import { MAX_MILLISECONDS } from "../clock.ts";
import { keywords, oneOf } from "./shapes.ts";

/**
 * What a single value of the config file may be. Every message completes the sentence "PATH must be …" (and "write …"
 * where the key was left empty), and never holds the value that was found: it may be a secret.
 */

type AnySchema = v.GenericSchema;

/**
 * Marks a text that may be shown wherever the config is: a name, an address, a pattern, never a credential. A text
 * without this mark is treated as a secret by everything that prints a config.
 */
export const shown = <const Schema extends AnySchema>(schema: Schema): Schema => ({ ...schema, shown: true });

/** The same of a URL: without user and password, and without the values in its query. */
export const shownUrl = <const Schema extends AnySchema>(schema: Schema): Schema => ({ ...schema, shown: "url" });

/** The name of a query parameter that a credential comes in: its values are hidden in the access log. */
export const credentialParameter = (wanted: string) => ({ ...shown(text(wanted)), credential: true });

/** A text with at least one character. */
export const text = (wanted: string) => v.pipe(v.string(wanted), v.nonEmpty(wanted));

/** Any text, the empty one too. */
export const anyText = v.string("a text");

/** A name, a path or the like: a text with at least one character that may be shown. */
export const shownText = (wanted: string) => shown(text(wanted));

/** A name with at least one character, where the key says enough. */
export const nonEmpty = shownText("a text that is not empty");

/** true or false. */
export const boolean = v.boolean("true or false");

/** A whole number, with a message of its own. */
export const wholeNumber = (min: number, max: number, wanted: string) =>
  v.pipe(v.number(wanted), v.integer(wanted), v.minValue(min, wanted), v.maxValue(max, wanted));

/** A whole number from `min` to `max`. */
export const integer = (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  wholeNumber(
    min,
    max,
    max === Number.MAX_SAFE_INTEGER ? `a whole number, ${min} or more` : `a whole number from ${min} to ${max}`,
  );

/** Milliseconds, `min` or more. */
export const durationMs = (min = 0) =>
  wholeNumber(min, MAX_MILLISECONDS, `milliseconds: a whole number from ${min} to ${MAX_MILLISECONDS}`);

/** A TCP port as a number or, as APISIX writes it, digits in a text. */
export const portValue = (wanted: string, min = 1) => {
  const number = wholeNumber(min, 65_535, wanted);
  const digits = v.pipe(shown(v.string(wanted)), v.regex(/^[0-9]{1,5}$/, wanted), v.transform(Number), number);
  return oneOf([number, digits], wanted);
};

/** A port of anything. */
export const port = portValue("a port from 1 to 65535");

const compiles = (source: string): boolean => {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
};

const REGEX = "a regular expression that JavaScript can read";

/** The source of a regular expression that compiles. */
export const regexSource = v.pipe(text(REGEX), v.check(compiles, REGEX));

/** A host name or an address, roughly, as a regular expression. */
export const HOST_SHAPE = "[A-Za-z0-9_](?:[-.A-Za-z0-9_]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]+|\\[[0-9A-Fa-f:.]+\\]";

const HOST = "an IPv4 or IPv6 address or a host name, without scheme, port or path";

/** An address or a name; IPv6 with or without brackets, given without. */
export const hostValue = (wanted: string) =>
  v.pipe(
    shown(v.string(wanted)),
    keywords({ pattern: `^(?:${HOST_SHAPE})$` }),
    v.transform(stripBrackets),
    v.check((value) => isAddress(value) || isHostName(value), wanted),
  );

/** An address or a name of anything. */
export const host = hostValue(HOST);

const CIDR = "an IPv4 or IPv6 address or CIDR block such as 10.0.0.0/8";

/** An address, or a block of them. */
export const cidr = v.pipe(
  shown(v.string(CIDR)),
  v.check(isCidr, CIDR),
  keywords({ pattern: "^[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?$" }),
);

const NAMESPACE = "a namespace: lower-case letters, digits and inner dashes, at most 63";

/** A namespace's name (RFC 1123 label). */
export const namespace = v.pipe(shown(v.string(NAMESPACE)), v.regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, NAMESPACE));

/** A field or method name (RFC 9110 section 5.6.2, `token`). */
export const token = (wanted: string) =>
  v.pipe(shown(v.string(wanted)), v.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, wanted));

/** The name of a header; case means nothing, so it is kept in lower case. */
export const headerName = v.pipe(token("a header name"), v.toLowerCase());

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what a field value may not hold
const FIELD_VALUE = /^[^\u0000\r\n\u0100-\uffff]*$/;
const FIELD_VALUE_WORDS = "a text without line ends and letters beyond Latin-1";

/** A header's value: no line ends, no NUL (RFC 9110 section 5.5), and nothing that is no byte. */
export const headerValue = v.pipe(v.string("a text"), v.regex(FIELD_VALUE, FIELD_VALUE_WORDS));

/** A part of a header's value, which may be shown. */
export const shownPart = shown(
  v.pipe(v.string(FIELD_VALUE_WORDS), v.nonEmpty(FIELD_VALUE_WORDS), v.regex(FIELD_VALUE, FIELD_VALUE_WORDS)),
);
