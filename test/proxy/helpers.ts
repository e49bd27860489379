import { afterEach } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { createBackends } from "../../src/balancing/backends.ts";
import { createPool } from "../../src/balancing/pool.ts";
import type { RetryBudget } from "../../src/balancing/retry-budget.ts";
import { staticUpstream } from "../../src/balancing/static-upstream.ts";
import { systemClock } from "../../src/base/clock.ts";
import { type LogFields, silentLogger } from "../../src/base/log.ts";
import type { RouteConfig } from "../../src/config/schema.ts";
import type { Upstream } from "../../src/discovery/types.ts";
import { createHttp1Client } from "../../src/http/http1/client.ts";
import type { HttpHandler } from "../../src/http/message.ts";
import { problem } from "../../src/http/problem.ts";
import { type ParseOptions, parseRequest } from "../../src/http/request.ts";
import { createTrust } from "../../src/http/trust.ts";
import { bunDial } from "../../src/platform/bun/dial.ts";
import { createForwarder, type ForwarderOptions } from "../../src/proxy/forward.ts";
import { createInFlightRequests } from "../../src/proxy/in-flight.ts";
import type { ProxyBackend, ProxyRoute } from "../../src/proxy/types.ts";
import { createAccessLog } from "../../src/telemetry/access-log.ts";
import { AccessLogEntry } from "../../src/telemetry/access-log-entry.ts";
import { createRequestIds } from "../../src/telemetry/request-id.ts";
import { createRequestEnd, RequestOutcome } from "../../src/telemetry/request-outcome.ts";
import { countingClock } from "../helpers/counting-clock.ts";
import { serveEngine } from "../helpers/engine.ts";
import { type Send, transportOf } from "../helpers/transport.ts";
import { until } from "../helpers/wait.ts";

/** What the tests of a file started, to be looked at and stopped. */
const started = { rigs: new Set<Rig>(), pods: new Set<RawPod>(), clients: new Set<RawClient>() };

/**
 * After each test of a file: its clients leave, and then nothing is left of its requests, neither in the gateways' lists and
 * counts nor as timers or connections that are not idle; only then gateways and pods are stopped.
 */
export function leavesNothing(): void {
  afterEach(async () => {
    for (const { socket } of started.clients) socket.destroy();
    started.clients.clear();
    try {
      for (const rig of started.rigs) await rig.settled();
    } finally {
      for (const thing of [...started.rigs, ...started.pods]) thing.stop();
      started.rigs.clear();
      started.pods.clear();
    }
  });
}

/** A pod that speaks raw TCP: every byte of a test's own choosing. */
export interface RawPod {
  readonly port: number;
  /** Requests in the order they came, as they were sent: head and what came with it. */
  readonly requests: string[];
  /** Connections open now. */
  open(): number;
  stop(): void;
}

/** Starts a pod that calls `answer` with each request's head (and what of the body came with it). */
export async function rawPod(answer: (socket: Socket, request: string) => void): Promise<RawPod> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let text = "";
    /** Bytes of a request's body that are still to come: no part of the next request. */
    let missing = 0;
    socket.on("data", (data) => {
      const piece = data.toString("latin1");
      text += piece.slice(missing);
      missing = Math.max(0, missing - piece.length);
      const end = text.indexOf("\r\n\r\n");
      if (end === -1) return;
      const request = text;
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
      missing = Math.max(0, end + 4 + length - text.length);
      text = "";
      requests.push(request);
      answer(socket, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const pod: RawPod = {
    port,
    requests,
    open: () => sockets.size,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  started.pods.add(pod);
  return pod;
}

/** An answer of `text` with its length, and more header lines. */
export const answerWith = (text: string, ...lines: string[]): string =>
  ["HTTP/1.1 200 OK", `content-length: ${text.length}`, ...lines, "", text].join("\r\n");

/** A gateway of one route. */
export interface Rig {
  readonly port: number;
  readonly url: string;
  /** Warnings and errors that were logged. */
  readonly logged: LogFields[];
  /** Lines of the access log. */
  readonly lines: string[];
  readonly pool: ReturnType<typeof createPool>;
  /** Resolves when nothing is left of its requests; rejects with what is. */
  settled(): Promise<void>;
  stop(): void;
}

/** What a rig may have differently. */
export interface RigOptions extends Partial<ForwarderOptions> {
  rule?: Partial<Omit<RouteConfig, "timeouts">> & { timeouts?: Partial<RouteConfig["timeouts"]> };
  route?: Partial<ProxyRoute>;
  /** Ports of the pods; or a whole upstream. */
  pods?: number[];
  upstream?: Upstream;
  limits?: Partial<ParseOptions["limits"]>;
  /** @default one without end */
  budget?: RetryBudget;
  accessLog?: "json" | "combined";
  trusted?: string[];
  send?: Send;
}

/** Listens with the forwarder, its pool and nothing else around it. */
export function startRig(options: RigOptions = {}): Rig {
  const clock = countingClock(options.clock ?? systemClock);
  const rule: RouteConfig = {
    id: "test",
    priority: 0,
    path: { prefix: "/" },
    retries: { attempts: 2, on: ["connect", "reset"] },
    keepalive: { requests: 1000, age: 300_000 },
    health: { passive: { failures: 2, eject: 10_000 }, active: false },
    middleware: [],
    balancer: "round_robin",
    pass_host: "pass",
    ...options.rule,
    timeouts: { connect: 10_000, try: 0, response: 30_000, idle: 0, ...options.rule?.timeouts },
  };
  const nodes = (options.pods ?? []).map((port) => ({ host: "127.0.0.1", port, weight: 50 }));
  const upstream = options.upstream ?? staticUpstream(nodes, "default/test:80");
  const { balancer } = rule;
  const { passive } = rule.health;
  const pool = createPool({ upstream, scheme: "http", balancer, passive, clock, random: () => 0 });
  const budget = options.budget ?? { request: () => {}, take: () => true };
  const choice: ProxyBackend = { pool, upstream, budget, weight: 1, priority: 0 };
  // Time stands still for connections: none is closed for being idle where it should have been closed for something else.
  const client = createHttp1Client({ dial: bunDial, clock: { ...systemClock, now: () => 0 }, random: Math.random });
  const route: ProxyRoute = {
    id: "test",
    rule,
    transport: options.send === undefined ? client : transportOf(options.send),
    rewrite: (p) => p,
    backends: createBackends([choice], { random: () => 0, keyOf: undefined }),
    ...options.route,
  };
  const logged: LogFields[] = [];
  const lines: string[] = [];
  const trusts = createTrust(options.trusted ?? []);
  const inFlight = createInFlightRequests(clock);
  const accessLog = options.accessLog
    ? createAccessLog({
        format: options.accessLog,
        clock,
        write: (text) => void lines.push(...text.trimEnd().split("\n")),
      })
    : undefined;
  const forwarder = createForwarder({
    inFlight,
    end: createRequestEnd({ clock, drain: { begun: false, over: false }, accessLog }),
    logger: { ...silentLogger, log: (level, message, fields) => void logged.push({ level, message, ...fields }) },
    ...options,
    clock,
  });
  const limits = { header_bytes: 16_384, headers: 100, url_bytes: 8192, body_bytes: options.bodyBytes ?? 0 };
  const read: ParseOptions = { clock, trusts, limits: { ...limits, ...options.limits } };
  const ids = createRequestIds(Math.random);
  const handle: HttpHandler = (request, peer) => {
    const facts = parseRequest(request, peer, "http", read);
    if ("problem" in facts) return problem(facts.problem, facts.detail, { head: request.method === "HEAD" });
    const entry = accessLog && new AccessLogEntry(facts, ids.of(facts));
    return forwarder.forward(request, facts, route, new RequestOutcome(facts.started, entry));
  };
  const server = serveEngine(handle);
  const left = () => ({
    requests: inFlight.size,
    inFlight: pool.targetStates().map(({ inFlight }) => inFlight),
    busy: client.counts().open - client.counts().idle,
    timers: clock.armed(),
  });
  const rig: Rig = {
    port: server.port,
    url: `http://127.0.0.1:${server.port}`,
    logged,
    lines,
    pool,
    async settled() {
      const gone = (): boolean =>
        Object.values(left())
          .flat()
          .every((count) => count === 0);
      await until(gone, {
        timeout: 2500,
        message: () => `nothing of its requests to be left: ${JSON.stringify(left())}`,
      });
    },
    stop: () => server.stop(),
  };
  started.rigs.add(rig);
  return rig;
}

/** A client that speaks raw TCP. */
export interface RawClient {
  send(text: string): void;
  /** All that came back so far. */
  received(): string;
  /** The connection ended. */
  closed(): boolean;
  socket: Socket;
}

/** Connects and sends `text`. */
export async function rawClient(port: number, text = ""): Promise<RawClient> {
  let received = "";
  let closed = false;
  const socket = connect(port, "127.0.0.1");
  socket.on("data", (data) => {
    received += data.toString("latin1");
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  if (text !== "") socket.write(Buffer.from(text, "latin1"));
  const client: RawClient = {
    send: (more) => void socket.write(Buffer.from(more, "latin1")),
    received: () => received,
    closed: () => closed,
    socket,
  };
  started.clients.add(client);
  return client;
}

/** Sends one raw request and gives back the whole answer: head and body as text, once both are there. */
export async function rawRequest(port: number, text: string): Promise<string> {
  const client = await rawClient(port, text);
  const head = /^HEAD /.test(text);
  try {
    await until(
      () => client.closed() || isWhole(client.received(), head),
      `a whole answer to ${text.split("\r\n")[0]}`,
    );
    return client.received();
  } finally {
    client.socket.destroy();
  }
}

/** Whether a raw answer has its head and, as far as its framing tells, all of its body. */
function isWhole(answer: string, head: boolean): boolean {
  const end = answer.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const lines = answer.slice(0, end).toLowerCase();
  if (/^http\/1\.1 100/.test(lines)) return isWhole(answer.slice(end + 4), head);
  if (head || /^http\/1\.1 (204|304)/.test(lines)) return true;
  const length = /\r\ncontent-length: (\d+)/.exec(lines)?.[1];
  if (length !== undefined) return answer.length - end - 4 >= Number(length);
  return lines.includes("transfer-encoding: chunked") && answer.endsWith("0\r\n\r\n");
}

/** The lines of a raw message's head, lower-cased names kept as sent. */
export const headLines = (message: string): string[] => message.slice(0, message.indexOf("\r\n\r\n")).split("\r\n");

/** The values of one header in a raw message, in order. */
export const fieldValues = (message: string, name: string): string[] =>
  headLines(message)
    .slice(1)
    .filter((line) => line.toLowerCase().startsWith(`${name}:`))
    .map((line) => line.slice(name.length + 1).trim());
