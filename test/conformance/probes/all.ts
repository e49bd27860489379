import { CHUNKED } from "./chunked.ts";
import { FIELD_LINES } from "./field-lines.ts";
import { FRAMING } from "./framing.ts";
import type { Probe } from "./probe.ts";
import { REQUEST_LINES } from "./request-lines.ts";

/** What RFC 9112 and RFC 9110 say of requests, each MUST of them with the shapes in which it is broken. */
export const GROUPS: Readonly<Record<string, readonly Probe[]>> = {
  "a request line": REQUEST_LINES,
  "a field line": FIELD_LINES,
  "a body's framing": FRAMING,
  "a body in chunks": CHUNKED,
};
