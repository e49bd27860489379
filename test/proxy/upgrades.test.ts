import { describe, test } from "bun:test";
import type { Socket } from "node:net";
import { assertEquals, assertMatch } from "@std/assert";
import { systemClock } from "../../src/base/clock.ts";
import { createHttp1Client } from "../../src/http/http1/client.ts";
import { bunDial } from "../../src/platform/bun/dial.ts";
import { until } from "../helpers/wait.ts";
import {
  answerWith,
  fieldValues,
  headLines,
  leavesNothing,
  rawClient,
  rawPod,
  rawRequest,
  startRig,
} from "./helpers.ts";

leavesNothing();

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const asking = (protocol: string, ...lines: string[]): string =>
  ["GET /chat HTTP/1.1", "Host: a", "Connection: Upgrade", `Upgrade: ${protocol}`, ...lines, "", ""].join("\r\n");
const switching = (protocol: string, ...lines: string[]): string =>
  ["HTTP/1.1 101 Go", "Connection: Upgrade", `Upgrade: ${protocol}`, ...lines, "", ""].join("\r\n");

/** A pod that goes over to the protocol it is asked for, and a gateway before it. */
async function tunnelled(answer: string, rule: Parameters<typeof startRig>[0] = {}) {
  const sockets: Socket[] = [];
  const pod = await rawPod((socket) => {
    sockets.push(socket);
    socket.write(answer);
  });
  return { pod, sockets, rig: startRig({ pods: [pod.port], accessLog: "json", ...rule }) };
}

const isSwitched = (text: string): boolean => /^HTTP\/1.1 101 .*\r\n\r\n/s.test(text);

describe("an upgrade", () => {
  test("is a tunnel of bytes between the two ends, who settle everything between them", async () => {
    const settled = [`Sec-WebSocket-Accept: ${ACCEPT}`, "Sec-WebSocket-Extensions: permessage-deflate; x=1"];
    const { pod, sockets, rig } = await tunnelled(`${switching("websocket", ...settled)}early`);
    const asked = [
      `Sec-WebSocket-Key: ${KEY}`,
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Extensions: permessage-deflate",
    ];
    const client = await rawClient(rig.port, asking("WebSocket", ...asked));
    await until(() => client.received().endsWith("early"), "what the pod said at once");
    assertEquals(headLines(client.received())[0], "HTTP/1.1 101 Go");
    for (const line of settled) assertEquals(headLines(client.received()).includes(line), true, line);
    for (const line of asked) assertEquals(headLines(pod.requests[0]!).includes(line), true, line);
    assertEquals(
      [fieldValues(pod.requests[0]!, "upgrade"), fieldValues(pod.requests[0]!, "connection").length],
      [["WebSocket"], 1],
    );
    client.send("\x00\xff up");
    const heard = Promise.withResolvers<string>();
    sockets[0]!.once("data", (bytes) => heard.resolve(bytes.toString("latin1")));
    assertEquals([await heard.promise, rig.lines], ["\x00\xff up", []]);
    sockets[0]!.end("bye");
    await until(() => client.received().endsWith("earlybye"), "the last of the pod");
    client.socket.end();
    await until(() => rig.lines.length === 1, "its line");
    const { status, bytes, error } = JSON.parse(rig.lines[0]!) as Record<string, unknown>;
    assertEquals([status, bytes, error], [101, 8, null]);
  });

  test("to any protocol is the pod's to grant, but for those that are the gateway's own", async () => {
    const { pod, rig } = await tunnelled(switching("spdy/3"));
    const client = await rawClient(rig.port, asking("spdy/3, h2c, TLS/1.0", "HTTP2-Settings: AA"));
    await until(() => isSwitched(client.received()), "101");
    assertEquals(
      [fieldValues(pod.requests[0]!, "upgrade"), fieldValues(pod.requests[0]!, "http2-settings")],
      [["spdy/3"], []],
    );
    client.socket.resetAndDestroy();
    await until(() => rig.lines.length === 1, "its line");
    assertEquals((JSON.parse(rig.lines[0]!) as { error: unknown }).error, "client_gone");
  });

  test("that is refused has the pod's refusal for an answer", async () => {
    const { rig } = await tunnelled(answerWith("later", "Retry-After: 7"));
    const answer = await rawRequest(rig.port, asking("websocket", `Sec-WebSocket-Key: ${KEY}`));
    assertEquals([fieldValues(answer, "retry-after"), answer.endsWith("later")], [["7"], true]);
  });

  test("to something else than was asked for, or with another key, is no answer", async () => {
    for (const wrong of [switching("other"), switching("websocket", "Sec-WebSocket-Accept: AAAA")]) {
      const { rig } = await tunnelled(wrong);
      const answer = await rawRequest(rig.port, asking("websocket", `Sec-WebSocket-Key: ${KEY}`));
      assertMatch(answer, /^HTTP\/1.1 502 /);
    }
  });

  test("of a request with a body, or of another method, is not asked for", async () => {
    const { pod, rig } = await tunnelled(answerWith("plain"));
    const lines = ["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 2"];
    for (const method of ["GET", "POST"]) {
      const text = [`${method} / HTTP/1.1`, "Host: a", ...lines, "", "hi"].join("\r\n");
      assertMatch(await rawRequest(rig.port, text), /^HTTP\/1.1 200 /);
    }
    assertEquals(
      pod.requests.map((request) => fieldValues(request, "upgrade")),
      [[], []],
    );
  });

  test("is closed on both sides once nothing passes for `timeouts.idle`", async () => {
    const { sockets, rig } = await tunnelled(switching("quiet"), {
      rule: { timeouts: { idle: 200 } },
      // Time goes on for its connections.
      route: { transport: createHttp1Client({ dial: bunDial, clock: systemClock, random: Math.random }) },
    });
    const client = await rawClient(rig.port, asking("quiet"));
    await until(() => isSwitched(client.received()), "101");
    await until(() => client.closed() && sockets[0]!.destroyed, "both ends to be closed");
    await until(() => rig.lines.length === 1, "its line");
    assertEquals((JSON.parse(rig.lines[0]!) as { error: unknown }).error, null);
  });
});
