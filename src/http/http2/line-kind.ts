import { memoize } from "../../base/memoize.ts";
import { kindsOf } from "../fields.ts";
import { isFieldName } from "../http1/write-fields.ts";
import type { FieldLine } from "./field-line.ts";

/** What a line means to who reads a request. */
export const LINE = {
  plain: 1,
  /** No message may have it (RFC 9113 sections 8.2 and 8.3). */
  malformed: 2,
  method: 3,
  scheme: 4,
  path: 5,
  authority: 6,
  protocol: 7,
  cookie: 8,
  host: 9,
  contentLength: 10,
  expect: 11,
} as const;

const ROLES: Readonly<Record<string, number>> = {
  ":method": LINE.method,
  ":scheme": LINE.scheme,
  ":path": LINE.path,
  ":authority": LINE.authority,
  ":protocol": LINE.protocol,
  cookie: LINE.cookie,
  host: LINE.host,
  "content-length": LINE.contentLength,
  expect: LINE.expect,
  // Of one connection of HTTP/1 (section 8.2.2).
  connection: LINE.malformed,
  "keep-alive": LINE.malformed,
  "proxy-connection": LINE.malformed,
  "transfer-encoding": LINE.malformed,
  upgrade: LINE.malformed,
};

const UPPER = /[A-Z]/;
/** A control character, or white space around it (section 8.2.1); stricter than asked, as for HTTP/1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for
const NOT_A_VALUE = /[\x00-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$/;

/** By the name: its role, and its `FIELD` kinds in the bits from `KINDS` on. */
const KINDS = 4;
const kindOfName: (name: string) => number = memoize((name) => {
  const role = ROLES[name];
  if (name.startsWith(":")) return role ?? LINE.malformed;
  if (!isFieldName(name) || UPPER.test(name)) return LINE.malformed;
  return (role ?? LINE.plain) | (kindsOf(name) << KINDS);
});

/** Finds out what a line is, which it keeps. */
export function kindOfLine(line: FieldLine): number {
  if (line.kind !== 0) return line.kind;
  const wrong = NOT_A_VALUE.test(line.value) || (line.name === "te" && line.value.toLowerCase() !== "trailers");
  line.kind = wrong ? LINE.malformed : kindOfName(line.name);
  return line.kind;
}

/** One of `LINE`. */
export const roleIn = (kind: number): number => kind & ((1 << KINDS) - 1);
/** `FIELD` kinds of the name. */
export const fieldKindsIn = (kind: number): number => kind >>> KINDS;
