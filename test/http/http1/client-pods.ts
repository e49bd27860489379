import { afterEach } from "bun:test";
import type { Socket } from "node:net";
import { assertEquals, assertRejects } from "@std/assert";
import { LazyAbortController } from "../../../src/base/abort.ts";
import { responseOf } from "../../../src/http/fetch/message.ts";
import { Fields } from "../../../src/http/header-fields.ts";
import type { HttpAnswer } from "../../../src/http/message.ts";
import type { OutgoingRequest, Transport } from "../../../src/http/transport.ts";
import { UpstreamError } from "../../../src/http/upstream-error.ts";
import { bunDial } from "../../../src/platform/bun/dial.ts";
import { nodeDial } from "../../../src/platform/node/streams.ts";
import type { Dial } from "../../../src/platform/sockets.ts";
import { type RawPod, rawPod } from "../../proxy/helpers.ts";

/** The pods of the test that runs. */
export const pods: RawPod[] = [];

/** After each test of a file its pods are stopped. */
export function stopsPods(): void {
  afterEach(() => {
    for (const pod of pods.splice(0)) pod.stop();
  });
}

/** Starts a pod that the end of the test stops. */
export async function pod(answer: (socket: Socket, request: string) => void): Promise<RawPod> {
  const started = await rawPod(answer);
  pods.push(started);
  return started;
}

/** What a request may have besides its URL. */
export type Asked = Partial<Omit<OutgoingRequest, "headers" | "body">> & {
  headers?: Record<string, string>;
  body?: string | ReadableStream<Uint8Array>;
};

/** A body as the client takes it. */
export const streamOf = (body: Asked["body"]): ReadableStream<Uint8Array> | undefined =>
  typeof body === "string" ? new Response(body).body! : body;

/** Asks with that client: a port of this machine, or a URL. */
export const asker =
  (client: Transport) =>
  async (url: string | number, { headers, body, ...asked }: Asked = {}): Promise<Response> =>
    responseOf(
      await client.send(typeof url === "number" ? `http://127.0.0.1:${url}/` : url, {
        method: body === undefined ? "GET" : "POST",
        controller: new LazyAbortController(),
        ...asked,
        headers: new Headers(headers),
        ...(body === undefined ? undefined : { body: streamOf(body)! }),
      }),
    );

/** The answer is an error of that kind. */
export const failing = async (
  answer: Promise<unknown>,
  failure: UpstreamError["failure"],
  words: string,
): Promise<void> => {
  const error = await assertRejects(() => answer, UpstreamError, words);
  assertEquals((error as UpstreamError).failure, failure);
};

/** The sockets that the client is tried over. */
export const DIALS: readonly [name: string, dial: Dial][] = [
  ["Bun's sockets", bunDial],
  ["node:net", nodeDial()],
];

/** Asks a port of this machine as the gateway does. */
export const sender =
  (client: Transport) =>
  (port: number, asked: Partial<OutgoingRequest> = {}): Promise<HttpAnswer> =>
    client.send(`http://127.0.0.1:${port}/`, {
      method: asked.body === undefined ? "GET" : "POST",
      headers: new Fields(),
      controller: new LazyAbortController(),
      ...asked,
    });
