import { describe, test } from "bun:test";
import type { Socket } from "node:net";
import { assertEquals } from "@std/assert";
import { KEPT_BYTES } from "../../src/proxy/upload.ts";
import { seededRandom } from "../helpers/random.ts";
import { leavesNothing, rawPod, startRig } from "./helpers.ts";

leavesNothing();

/** What a pod does with a request. */
const DEEDS = ["ok", "slowly", "empty", "busy", "reset", "cut", "silent"] as const;
type Deed = (typeof DEEDS)[number];
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"] as const;

/** One request: what it is, and what the first and the second pod that get it do with it. */
interface Case {
  readonly id: number;
  readonly method: (typeof METHODS)[number];
  readonly body: string | undefined;
  readonly chunked: boolean;
  readonly deeds: readonly [Deed, Deed];
}

const STATUS: Record<Deed, number> = { ok: 200, slowly: 200, empty: 204, busy: 503, reset: 502, cut: 502, silent: 504 };

/** The statuses that the client may see, and how often pods get the request. */
function expected({ method, body, deeds: [first, second] }: Case): { status: number; times: number } {
  // A body that is kept as a whole can be sent again.
  const safe = (body?.length ?? 0) <= KEPT_BYTES && method !== "POST" && method !== "PATCH";
  const again = safe && STATUS[first] >= 500;
  return again ? { status: STATUS[second], times: 2 } : { status: STATUS[first], times: 1 };
}

/** Does what the request's path asks for; a pod of any address has the same memory of how often one came. */
function act(socket: Socket, deed: Deed, method: string, text: string): void {
  const head = `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n`;
  const body = method === "HEAD" ? "" : text;
  if (deed === "ok") socket.write(head + body);
  if (deed === "slowly") {
    socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    if (method !== "HEAD") for (const char of text) socket.write(`1\r\n${char}\r\n`);
    if (method !== "HEAD") setTimeout(() => socket.write("0\r\n\r\n"), 20);
  }
  if (deed === "empty") socket.write("HTTP/1.1 204 No Content\r\n\r\n");
  if (deed === "busy") socket.write(`HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\n${method === "HEAD" ? "" : "busy"}`);
  if (deed === "reset") socket.resetAndDestroy();
  if (deed === "cut") socket.write("HTTP/1.1 20", () => socket.resetAndDestroy());
}

describe("two pods, requests of every method and framing, whatever the pods do", () => {
  test.each([1, 2, 3])("each request gets its own answer, as often and where it may (seed %d)", async (seed) => {
    const random = seededRandom(seed);
    const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
    const came = new Map<number, { hosts: string[]; ports: number[]; bodies: string[] }>();
    const cases: Case[] = Array.from({ length: 80 }, (_, id) => {
      const method = one(METHODS);
      const takesBody = method !== "GET" && method !== "HEAD";
      const body =
        takesBody && random() < 0.7
          ? `${id}:${"x".repeat(Math.floor(random() * (random() < 0.2 ? 150_000 : 3000)))}`
          : undefined;
      return { id, method, body, chunked: random() < 0.5, deeds: [one(DEEDS), one(DEEDS)] };
    });
    const pods = await Promise.all(
      [0, 1].map(() =>
        rawPod((socket, request) => {
          const line = /^[A-Z]+ \/(\d+) HTTP/.exec(request);
          // More of a body in chunks: whoever waits for it has it.
          if (line === null) return;
          const id = Number(line[1]);
          const { method, body, deeds } = cases[id]!;
          const seen = came.get(id) ?? { hosts: [], ports: [], bodies: [] };
          came.set(id, seen);
          const deed = deeds[seen.hosts.length] ?? "reset";
          seen.hosts.push(/\r\nhost: (\S+)/i.exec(request)![1]!);
          seen.ports.push(socket.localPort!);
          // The whole request is read before it is answered.
          let text = request.slice(request.indexOf("\r\n\r\n") + 4);
          const whole = (): boolean =>
            body === undefined ||
            (/\r\ntransfer-encoding: chunked/i.test(request)
              ? text.endsWith("\r\n0\r\n\r\n")
              : text.length >= body.length);
          const go = (): void => {
            seen.bodies.push(text);
            act(socket, deed, method, `answer ${id}`);
          };
          if (whole()) return go();
          const more = (data: Buffer): void => {
            text += data.toString("latin1");
            if (!whole()) return;
            socket.off("data", more);
            go();
          };
          socket.on("data", more);
        }),
      ),
    );
    const rig = startRig({
      pods: pods.map(({ port }) => port),
      rule: {
        pass_host: "node",
        balancer: "least_requests",
        // Every connection carries one request: a pod that closes one never meets the next request on it.
        keepalive: { requests: 1, age: 0 },
        health: { passive: false, active: false },
        timeouts: { try: 3000, idle: 15_000, response: 30_000 },
        retries: { attempts: 2, on: ["connect", "reset", "timeout", 503] },
      },
    });
    await Promise.all(
      cases.map(async (one) => {
        const { id, method, body, chunked } = one;
        const sent =
          body === undefined || !chunked
            ? body
            : new ReadableStream({
                async pull(controller) {
                  await Bun.sleep(1);
                  controller.enqueue(new TextEncoder().encode(body));
                  controller.close();
                },
              });
        const answer = await fetch(`${rig.url}/${id}`, { method, body: sent, keepalive: false });
        const { status, times } = expected(one);
        const text = await answer.text();
        const what = JSON.stringify({ ...one, body: body?.length });
        assertEquals([answer.status, came.get(id)!.hosts.length], [status, times], what);
        if (status === 200 && method !== "HEAD") assertEquals(text, `answer ${id}`, what);
        const { hosts, ports, bodies } = came.get(id)!;
        assertEquals(new Set(ports).size, times, `one address twice: ${what}`);
        assertEquals(
          hosts,
          ports.map((port) => `127.0.0.1:${port}`),
          what,
        );
        if (body !== undefined)
          assertEquals(
            // A large one in chunks comes in several.
            bodies.every((text) => text.replace(/\r\n[0-9a-f]+\r\n/g, "").includes(body)),
            true,
            what,
          );
      }),
    );
  });
});
