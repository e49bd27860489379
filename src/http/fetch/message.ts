import { streamOf } from "../../base/bytes.ts";
import type { Body, BodySource } from "../body.ts";
import { Fields, headersOf } from "../header-fields.ts";
import type { ClientRequest, GoneSignal, HttpAnswer } from "../message.ts";
import { streamOfSource } from "./body.ts";

/** Statuses whose answers have no body in the fetch standard ("null body status"). */
const BODILESS = new Set([101, 103, 204, 205, 304]);

const CONTINUE = { status: 100, statusText: "Continue", headers: new Fields() };

const isStream = (body: BodySource | ReadableStream<Uint8Array>): body is ReadableStream<Uint8Array> =>
  "getReader" in body;

/** A runtime adds a content type to a text, and Bun to bytes as well; to a stream none does. */
function asSent(body: Exclude<Body, null>, typed: boolean): BodyInit {
  if (typeof body === "string") return typed ? body : streamOf([new TextEncoder().encode(body)]);
  if (body instanceof Uint8Array) return typed ? (body as BodyInit) : streamOf([body]);
  return isStream(body) ? body : streamOfSource(body);
}

/**
 * An answer as the fetch standard knows it; one that is a `Response` comes back as it is. A body flows when it is read.
 * Lost are the order and the letters of its fields' names, and the trailers of its body. Throws where it has a field
 * that is none of HTTP's; its body has been cancelled then.
 */
export function responseOf(answer: HttpAnswer): Response {
  if (answer instanceof Response) return answer;
  const { status, statusText, body } = answer;
  const bodiless = body === null || BODILESS.has(status);
  try {
    const headers = headersOf(answer.headers);
    const response = new Response(bodiless ? null : asSent(body, headers.has("content-type")), {
      status,
      statusText,
      headers,
    });
    if (bodiless) cancel(body);
    return response;
  } catch (error) {
    cancel(body, error);
    throw error;
  }
}

function cancel(body: Body, reason?: unknown): void {
  if (body === null || typeof body === "string" || body instanceof Uint8Array) return;
  if (!isStream(body)) body.cancel(reason);
  else if (!body.locked) body.cancel(reason).catch(() => {});
}

/** The same as an `AbortSignal`, which may follow it to its end: both belong to one request. */
function signalOf(gone: GoneSignal): AbortSignal {
  if (gone instanceof AbortSignal) return gone;
  const controller = new AbortController();
  const leave = (): void => controller.abort();
  if (gone.aborted) leave();
  else gone.addEventListener("abort", leave);
  return controller.signal;
}

/**
 * A client's request as the fetch standard knows it; one that is a `Request` comes back as it is. `origin`: scheme and
 * authority, where its own URL has none; a target of `*` becomes the path `/*`. Its body flows when it is read, and where
 * the client waits for an interim answer before it sends one, that is sent first. Lost is the body of a GET or a HEAD,
 * which the standard does not know, and the letters of the methods that it knows. Throws a `TypeError` for what the
 * standard cannot hold at all.
 */
export function requestOf(request: ClientRequest, origin: string): Request {
  if (request instanceof Request) return request;
  const { method, url, body } = request;
  const bodiless = body === null || method === "GET" || method === "HEAD";
  const init = {
    method,
    headers: headersOf(request.headers),
    signal: signalOf(request.signal),
    ...(bodiless ? undefined : { body: bodyOf(request, body), duplex: "half" }),
  };
  const absolute = url.startsWith("/") ? origin + url : url === "*" ? `${origin}/*` : url;
  return new Request(absolute, init as RequestInit);
}

function bodyOf(request: ClientRequest, body: BodySource | ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  if (isStream(body)) return body;
  return streamOfSource(body, request.expectsContinue ? () => request.interim?.(CONTINUE) : undefined);
}
