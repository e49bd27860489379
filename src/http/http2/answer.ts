import type { BodySource } from "../body.ts";
import { sourceOf } from "../fetch/body.ts";
import type { HeaderFields } from "../header-fields.ts";
import { httpDate } from "../http-date.ts";
import { cancelBody } from "../http1/answer-plan.ts";
import { UnwritableHead } from "../http1/write-fields.ts";
import type { HttpAnswer, InterimAnswer } from "../message.ts";
import { answerFields } from "./answer-fields.ts";
import type { Http2ServerConnection } from "./server-connection.ts";
import type { ServerStream } from "./server-stream.ts";

const encoder = new TextEncoder();

const isStream = (body: BodySource | ReadableStream<Uint8Array>): body is ReadableStream<Uint8Array> =>
  "getReader" in body;

/** Writes a head of the fields that `answerFields` has. */
function writeHead(
  connection: Http2ServerConnection,
  stream: number,
  status: number,
  length: number | undefined,
  endStream: boolean,
): void {
  const { writer, encoder: hpack } = connection;
  const { names, values, dated } = answerFields;
  const start = writer.beginBlock();
  hpack.begin(writer);
  hpack.line(writer, ":status", String(status));
  for (let at = 0; at < names.length; at++) hpack.line(writer, names[at]!, values[at]!);
  if (length !== undefined) hpack.line(writer, "content-length", String(length));
  if (!dated && status >= 200) hpack.line(writer, "date", httpDate(connection.options.clock.now()));
  writer.endBlock(start, stream, endStream);
  connection.wrote();
}

/** Sends an interim answer (RFC 9110 section 15.2); one that cannot be sent is dropped. */
export function writeInterim(connection: Http2ServerConnection, stream: number, answer: InterimAnswer): void {
  const { status, headers } = answer;
  // 101 is none of HTTP/2 (RFC 9113 section 8.6).
  if (!(status >= 100 && status < 200) || status === 101 || connection.clogged) return;
  try {
    answerFields.read(headers);
  } catch {
    return;
  }
  writeHead(connection, stream, status, undefined, false);
}

/** Sends the head of an answer whose stream becomes a tunnel. Throws `UnwritableHead`. */
export function writeTunnelHead(connection: Http2ServerConnection, stream: ServerStream, headers: HeaderFields): void {
  answerFields.read(headers);
  stream.answering = true;
  // 101 of HTTP/1 is 200 here (RFC 8441 section 4).
  writeHead(connection, stream.id, 200, undefined, false);
}

/**
 * Sends an answer. `isHead`: to a HEAD request. A body that is not to be sent is let go of. Throws `UnwritableHead` before
 * anything is written.
 */
export function writeAnswer(
  connection: Http2ServerConnection,
  stream: ServerStream,
  answer: HttpAnswer,
  isHead: boolean,
): void {
  const { status, headers, body } = answer;
  if (!(status >= 200 && status <= 599 && Number.isInteger(status))) {
    throw new UnwritableHead(`the status ${status} is none that an answer can have`);
  }
  answerFields.read(headers);
  let { length } = answerFields;
  if (answerFields.closes) connection.drain();
  const bytes = typeof body === "string" ? encoder.encode(body) : body instanceof Uint8Array ? body : undefined;
  if (isHead || status === 204 || status === 304) {
    if (status === 204) length = undefined;
    else if (bytes !== undefined) length ??= bytes.length;
    stream.answering = true;
    writeHead(connection, stream.id, status, length, true);
    cancelBody(body);
    stream.sentAll();
    return;
  }
  stream.answering = true;
  if (body === null || bytes?.length === 0) {
    if (length !== undefined || body !== null) length = 0;
    writeHead(connection, stream.id, status, length, true);
    stream.sentAll();
  } else if (bytes !== undefined) {
    writeHead(connection, stream.id, status, bytes.length, false);
    stream.sender.data(bytes);
    stream.sender.end(undefined);
  } else {
    const source = isStream(body as ReadableStream<Uint8Array>)
      ? sourceOf(body as ReadableStream<Uint8Array>)
      : (body as BodySource);
    length ??= source.length;
    writeHead(connection, stream.id, status, length, false);
    stream.sender.send(source, length);
  }
}
