import { afterAll, beforeAll, describe, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import type { GatewayProcess } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { type RawClient, rawClient } from "../proxy/helpers.ts";
import { HOSTILE, type HostileAnswer } from "./answers/hostile.ts";
import { gatewayTo, parseAnswers, portOf } from "./support.ts";

/** What the pod does with the next request for /x. */
let playing: HostileAnswer;
/** Connections over which /x was answered. */
const tainted = new Set<Socket>();
let server: Server;
let gateway: GatewayProcess;

beforeAll(async () => {
  server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("close", () => tainted.delete(socket));
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      for (;;) {
        const end = text.indexOf("\r\n\r\n");
        if (end === -1) return;
        const [, path = ""] = text.split(" ");
        text = text.slice(end + 4);
        if (path === "/x") void play(socket);
        else socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${path.length}\r\n\r\n${path}`);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // The pod must not be given up for what it did to the tests before.
  const route = { health: { passive: false }, timeouts: { response: 10_000 } };
  gateway = await gatewayTo([(server.address() as AddressInfo).port], { route });
});
afterAll(async () => {
  await gateway.stop();
  server.close();
});

async function play(socket: Socket): Promise<void> {
  const { bytes, after } = playing;
  tainted.add(socket);
  for (const piece of typeof bytes === "string" ? [bytes] : bytes) {
    socket.write(Buffer.from(piece, "latin1"));
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (after === "ends") socket.end();
  // What was written is to arrive before the reset, which overtakes what has not been sent.
  if (after === "resets") socket.write("", () => setTimeout(() => socket.resetAndDestroy(), 20));
}

/** The status of the final answer, or "broken". Interim ones are passed over. */
function outcome(client: RawClient, heads: boolean): { status: number | "broken"; body: string; head: string } {
  let text = client.received();
  for (;;) {
    const end = text.indexOf("\r\n\r\n");
    const [first] = parseAnswers(text, heads);
    const head = end === -1 ? text : text.slice(0, end + 4);
    if (first === undefined) return { status: "broken", body: "", head };
    if (first.status >= 200) return { ...first, head };
    text = text.slice(end + 4);
  }
}

const STATUS_LINE = /^HTTP\/1\.1 [1-5][0-9]{2} [\t -~\x80-\xff]*$/;
const FIELD_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:/;

/** Whether every reader reads a head in the same way. */
function isClean(head: string): boolean {
  if (!head.endsWith("\r\n\r\n")) return false;
  const [status = "", ...fields] = head.slice(0, -4).split("\r\n");
  return (
    STATUS_LINE.test(status) &&
    fields.every((line) => FIELD_LINE.test(line) && !["\0", "\r", "\n"].some((byte) => line.includes(byte)))
  );
}

/** Asks for another path over a connection of the client's, which must be its own answer or the connection's end. */
async function asksAgain(client: RawClient, path: string): Promise<void> {
  if (client.closed()) return;
  const before = client.received().length;
  client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await until(() => client.closed() || parseAnswers(client.received().slice(before)).length > 0, {
    timeout: 5000,
    message: `an answer to ${path} or the connection to end`,
  });
  const answers = parseAnswers(client.received().slice(before));
  for (const answer of answers) assertEquals([answer.status, answer.body], [200, path]);
  if (!client.closed()) assertEquals(answers.length, 1);
}

async function tried(row: HostileAnswer): Promise<void> {
  playing = row;
  const heads = row.method === "HEAD";
  const client = await rawClient(portOf(gateway), `${row.method ?? "GET"} /x HTTP/1.1\r\nHost: a\r\n\r\n`);
  const ended = (): boolean => client.closed() || outcome(client, heads).status !== "broken";
  await until(ended, {
    timeout: 8000,
    interval: 1,
    message: () => `an answer, got ${client.received().slice(0, 300)}`,
  });
  const { status, body, head } = outcome(client, heads);
  const shown = JSON.stringify(client.received().slice(0, 400));
  assert(row.allowed.includes(status), `${row.allowed.join(" or ")} is allowed, not ${status}: ${shown}`);
  if (status === 200) assertEquals(body, row.body);
  if (status === "broken") assert(client.closed(), "an answer that broke off must end the connection");
  if (head !== "") assert(isClean(head), `the head is not clean: ${JSON.stringify(head)}`);
  if (status === 200 && row.has !== undefined) assert(head.includes(row.has), `${row.has} is not in ${head}`);
  if (row.hasNot !== undefined) assert(!client.received().includes(row.hasNot), `${row.hasNot} is in ${shown}`);

  const others = await Promise.all(Array.from({ length: 4 }, () => rawClient(portOf(gateway))));
  for (let round = 0; round < 2; round++) {
    await Promise.all([client, ...others].map((each, i) => asksAgain(each, `/after-${round}-${i}`)));
  }
  for (const each of [client, ...others]) each.socket.destroy();
  if (row.keeps && status !== 502) {
    for (const socket of tainted) socket.destroy();
    return;
  }
  await until(() => tainted.size === 0, { timeout: 5000, message: "the pod's connection to be closed" });
}

test("of a pod's answers 120 or more are tried", () => {
  assertGreaterOrEqual(Object.values(HOSTILE).flat().length, 120);
});

for (const [group, rows] of Object.entries(HOSTILE)) {
  describe(`of a pod's answers, ${group}:`, () => {
    for (const row of rows) {
      test(`${row.name} is ${row.allowed.join(" or ")} to the client, and nothing to the next`, () => tried(row));
    }
  });
}

describe("a pod that answers before it is asked", () => {
  test("is not asked over that connection: nobody gets that answer", async () => {
    let early = 0;
    const sockets = new Set<Socket>();
    const pod = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
      socket.on("data", (data) => {
        const path = data.toString("latin1").split(" ")[1]!;
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${path.length}\r\n\r\n${path}`);
        // Once the answer has been taken and the connection waits for its next request.
        setTimeout(() => {
          early++;
          socket.write("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nSMUGGLED");
        }, 20);
      });
    });
    pod.listen(0, "127.0.0.1");
    await once(pod, "listening");
    await using other = await gatewayTo([(pod.address() as AddressInfo).port]);
    for (let i = 0; i < 10; i++) {
      const answer = await other.fetch(`/n-${i}`);
      assertEquals([answer.status, await answer.text()], [200, `/n-${i}`]);
      await until(() => early > i, "the early answer");
      await until(() => sockets.size === 0, { timeout: 5000, message: "the connection to be closed" });
    }
    pod.close();
  });
});
