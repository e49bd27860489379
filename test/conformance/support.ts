import { afterAll, beforeAll } from "bun:test";
import { type GatewayOptions, type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";
import { listenTcp } from "../helpers/tcp-server.ts";
import { until } from "../helpers/wait.ts";
import { rawClient } from "../proxy/helpers.ts";

/** What a data plane test may say of its gateway. */
export interface DataPlaneOptions {
  /** More of `server`, such as `trusted_proxies`. */
  server?: object;
  /** Added to the one route `/`. */
  route?: object;
  env?: Record<string, string>;
}

/** A gateway process of one route `/` to these ports of loopback; its access log is off. */
export function gatewayTo(pods: readonly number[], options: DataPlaneOptions = {}): Promise<GatewayProcess> {
  const nodes = pods.map((port) => ({ host: "127.0.0.1", port, weight: 50 }));
  const config = {
    server: { listen: "127.0.0.1:0", access_log: false, ...options.server },
    admin: false,
    routes: [{ path: "/", nodes, ...options.route }],
  };
  const start: GatewayOptions = options.env === undefined ? { config } : { config, env: options.env };
  return startGateway(start);
}

/** The port a gateway listens on. */
export const portOf = (gateway: GatewayProcess): number => Number(new URL(gateway.url).port);

/** One answer as its bytes tell it. */
export interface RawAnswer {
  readonly status: number;
  /** Lines of its head, the status line apart. */
  readonly head: readonly string[];
  readonly body: string;
}

/** The answers in a stream of bytes, as far as they are whole; `heads`: none of them has a body (HEAD). */
export function parseAnswers(text: string, heads = false): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf("\r\n\r\n");
    if (end === -1 || !rest.startsWith("HTTP/1.1 ")) return answers;
    const head = rest.slice(0, end).split("\r\n");
    const status = Number(head[0]!.slice(9, 12));
    rest = rest.slice(end + 4);
    const bodyless = heads || status < 200 || status === 204 || status === 304;
    const size = bodyless ? { whole: 0, body: "" } : bodyOf(head, rest);
    if (size === undefined) return answers;
    answers.push({ status, head: head.slice(1), body: size.body });
    rest = rest.slice(size.whole);
  }
}

/** A body's text and how many characters it took with its framing; undefined: it is not whole yet. */
function bodyOf(head: readonly string[], rest: string): { whole: number; body: string } | undefined {
  const lines = head.map((line) => line.toLowerCase());
  const told = lines.find((line) => line.startsWith("content-length:"));
  if (told !== undefined) {
    const whole = Number(told.slice(15));
    return rest.length < whole ? undefined : { whole, body: rest.slice(0, whole) };
  }
  if (!lines.includes("transfer-encoding: chunked")) return { whole: rest.length, body: rest };
  let body = "";
  for (let at = 0; ; ) {
    const line = rest.indexOf("\r\n", at);
    if (line === -1) return undefined;
    const size = Number.parseInt(rest.slice(at, line), 16);
    if (size === 0) {
      // Trailers may stand before the empty line.
      const end = rest.indexOf("\r\n\r\n", line);
      return end === -1 ? undefined : { whole: end + 4, body };
    }
    if (rest.length < line + 2 + size + 2) return undefined;
    body += rest.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

/** A pod that reads requests by their framing, to the last byte of their bodies. */
export interface FramingPod {
  readonly port: number;
  /** Whole requests in the order they came: the head's lines and the body as it was framed. */
  readonly requests: readonly { readonly lines: readonly string[]; readonly body: string }[];
  /** Connections open now. */
  open(): number;
  /** Forgets the requests so far. */
  clear(): void;
  stop(): void;
}

/** Starts a pod that answers every whole request with `ok` and its target. A request that breaks off has none. */
export async function framingPod(): Promise<FramingPod> {
  const requests: { lines: string[]; body: string }[] = [];
  const server = await listenTcp((socket) => {
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      for (;;) {
        const end = text.indexOf("\r\n\r\n");
        if (end === -1) return;
        const lines = text.slice(0, end).split("\r\n");
        const framed = lines.some((line) => /^(content-length|transfer-encoding):/i.test(line));
        const body = framed ? bodyOf(lines, text.slice(end + 4)) : { whole: 0, body: "" };
        if (body === undefined) return;
        text = text.slice(end + 4 + body.whole);
        requests.push({ lines, body: body.body });
        const answer = lines[0]!.startsWith("HEAD ") ? "" : `ok ${lines[0]!.split(" ")[1]}`;
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`);
      }
    });
  });
  return { ...server, requests, clear: () => void requests.splice(0) };
}

/** A pod of those and a gateway before it, for all tests of a file. */
export function framedGateway(): { readonly pod: FramingPod; readonly gateway: GatewayProcess } {
  let made: { readonly pod: FramingPod; readonly gateway: GatewayProcess };
  beforeAll(async () => {
    const pod = await framingPod();
    made = { pod, gateway: await gatewayTo([pod.port]) };
  });
  afterAll(async () => {
    await made.gateway.stop();
    made.pod.stop();
  });
  return {
    get pod() {
      return made.pod;
    },
    get gateway() {
      return made.gateway;
    },
  };
}

/** What came of bytes sent to a gateway. */
export interface Outcome {
  readonly answers: readonly RawAnswer[];
  /** What came when, after all this, the same connection was asked for `/after`; undefined: it was closed. */
  readonly after: readonly RawAnswer[] | undefined;
  /** Whole requests its pod got, in order: the first line, other lines, the body. */
  readonly upstream: FramingPod["requests"];
}

/** What is sent, and what is looked for. */
export interface Shot {
  /** Latin-1: every character is a byte. A list is sent piece by piece. */
  readonly bytes: string | readonly string[];
  /** How many answers are hoped for. @default 1 */
  readonly answers?: number;
  /** What follows on the connection: a request more, the end of the client's side, or nothing. @default "request" */
  readonly next?: "request" | "end" | "nothing";
}

/** Requests that are sent to see how the gateway is, not to see what it does with them. */
export const PROBES = /^G?GET \/(alive|after) /;

/**
 * Sends bytes on a connection of their own and waits until the gateway has answered or closed. Then it must answer
 * another client, and whatever it answers on the first connection to one request more is part of the outcome.
 */
export async function shoot(gateway: GatewayProcess, pod: FramingPod, shot: Shot): Promise<Outcome> {
  pod.clear();
  const client = await rawClient(portOf(gateway));
  const wanted = shot.answers ?? 1;
  const pieces = typeof shot.bytes === "string" ? [shot.bytes] : shot.bytes;
  const heads = pieces.join("").startsWith("HEAD ");
  for (const piece of pieces) {
    client.send(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (shot.next === "end") client.socket.end();
  const received = (from = 0): RawAnswer[] => parseAnswers(client.received().slice(from), heads);
  await until(() => client.closed() || received().length >= wanted, {
    interval: 2,
    timeout: 5000,
    message: () => `an answer to ${JSON.stringify(shot.bytes).slice(0, 200)}, got ${client.received()}`,
  });
  const answers = received();
  await until(async () => (await fetch(`${gateway.url}/alive`)).status === 200, { message: "the gateway to answer" });
  const length = client.received().length;
  if (shot.next !== "nothing" && !client.closed()) client.send("GET /after HTTP/1.1\r\nHost: after.test\r\n\r\n");
  if (shot.next !== "nothing")
    await until(() => client.closed() || client.received().length > length, {
      interval: 2,
      message: "an answer to the request after, or the connection to end",
    });
  const after = client.received().length > length ? parseAnswers(client.received().slice(length)) : undefined;
  client.socket.destroy();
  return { answers, after, upstream: pod.requests.filter(({ lines }) => !PROBES.test(lines[0]!)) };
}
