/** A request, or what is meant for one, and what a server may make of it. */
export interface Probe {
  readonly name: string;
  /** The section that decides; RFC 9112 where no other is named. */
  readonly section: string;
  /** Latin-1: every character is a byte. */
  readonly bytes: string;
  /** The statuses that may be answered; 0: the connection may end without an answer. */
  readonly allowed: readonly number[];
  /** What a pod must have been asked where the answer is 200: its request line, and the body as it was framed. */
  readonly line: string;
  readonly body: string;
  /** A line that the pod must have got, and one (its beginning, in lower case) that it must not. */
  readonly has?: string | undefined;
  readonly hasNot?: string | undefined;
  /** The connection must be closed after the answer, so what was sent behind the request is not answered. */
  readonly closes?: boolean | undefined;
}

/** How a probe differs from a plain one that must be answered 200. */
export type ProbeOptions = Partial<Omit<Probe, "name" | "section" | "bytes">>;

/** What two readers could read differently is refused (RFC 9112 sections 2.2, 3, 5 and 6). */
export const REFUSED: ProbeOptions = { allowed: [400] };
/** A coding the server does not know may be answered 501 as well (RFC 9112 section 6.1). */
export const UNKNOWN_CODING: ProbeOptions = { allowed: [400, 501] };
/** A version that is none of the server's may be answered 505 (RFC 9110 section 15.6.6). */
export const OTHER_VERSION: ProbeOptions = { allowed: [400, 505] };
/** The grammar has it, and a server that is careful refuses it. */
export const EITHER: ProbeOptions = { allowed: [200, 400] };

/** Makes a probe; whatever the options leave out is that of `GET /x`. */
export const probe = (name: string, section: string, bytes: string, options: ProbeOptions = {}): Probe => ({
  name,
  section,
  bytes,
  allowed: [200],
  line: `${/^[^ ]*/.exec(bytes)![0]} /x HTTP/1.1`,
  body: "",
  ...options,
});

/** A head of these lines. */
export const head = (...lines: string[]): string => [...lines, "", ""].join("\r\n");

/** A GET with more lines behind its Host. */
export const get = (...lines: string[]): string => head("GET /x HTTP/1.1", "Host: a", ...lines);

/** A POST with these lines and a body. */
export const post = (lines: readonly string[], body: string): string =>
  head("POST /x HTTP/1.1", "Host: a", ...lines) + body;

/** A request that stands in what another reader may take for a body, or for what follows one. */
export const HIDDEN = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

/** How bytes are written in a name: the beginning of long ones, with their number. */
export const shown = (text: string): string =>
  text.length > 60 ? `${JSON.stringify(text.slice(0, 40))}… of ${text.length}` : JSON.stringify(text);
