import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { Fields } from "../../../src/http/header-fields.ts";
import type { HttpAnswer } from "../../../src/http/message.ts";
import type { StreamSocket } from "../../../src/platform/sockets.ts";
import { PushedBody } from "../../helpers/body.ts";
import { answerOf, connected, pending, settled } from "./server-rig.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const UPGRADE = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n";

describe("an upgrade", () => {
  /** An answer that takes the connection over, and what it got. */
  function switching() {
    const got: { socket: StreamSocket; rest: string }[] = [];
    const answer: HttpAnswer = {
      status: 101,
      statusText: "",
      headers: Fields.from([
        ["Upgrade", "websocket"],
        ["X-A", "b"],
        ["Connection", "x"],
      ]),
      body: null,
      tunnel: (socket, rest) => void got.push({ socket, rest: Buffer.from(rest).toString("latin1") }),
    };
    return { got, answer };
  }

  test("hands the connection over, paused, with what came behind the request", async () => {
    const { handler, answer } = pending();
    const { socket, connection, closed } = connected(handler);
    const { got, answer: switched } = switching();
    socket.receive(`${UPGRADE}ab`);
    socket.receive("cd");
    await answer(switched);
    assertEquals(
      socket.taken,
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-A: b\r\nConnection: Upgrade\r\n\r\n",
    );
    assertEquals([got.length, got[0]!.rest, socket.paused, connection.phase], [1, "abcd", true, "tunnel"]);
    const tunnel = got[0]!.socket;
    const events: string[] = [];
    tunnel.listen({
      data: (bytes) => void events.push(`data ${Buffer.from(bytes)}`),
      ended: () => void events.push("ended"),
      drained: () => void events.push("drained"),
      closed: (cause) => void events.push(`closed ${cause?.message}`),
    });
    socket.receive(GET);
    assertEquals(events, []);
    tunnel.resume();
    await settled();
    socket.room = 1;
    assertEquals([tunnel.write("xy"), tunnel.waiting, tunnel.peer], [false, 1, socket.peer]);
    socket.take(9);
    assertEquals(tunnel.writeFramed("1", new Uint8Array([50]), "3"), true);
    tunnel.pause();
    assertEquals([socket.paused, socket.taken.endsWith("\r\n\r\nxy123")], [true, true]);
    tunnel.resume();
    socket.fin();
    await settled();
    // A FIN goes through: the other direction may go on.
    assertEquals([events, closed.length], [[`data ${GET}`, "drained", "ended"], 0]);
    tunnel.end();
    await settled();
    assertEquals([events.at(-1), closed.length, connection.phase], ["closed undefined", 1, "over"]);
  });

  test("is answered at once with nothing behind the request", () => {
    const { got, answer } = switching();
    const { socket, connection } = connected(() => answer);
    socket.receive(UPGRADE);
    assertEquals([got[0]!.rest, connection.phase], ["", "tunnel"]);
    got[0]!.socket.reset();
    assertEquals(socket.ends, ["reset"]);
  });

  test("takes what came in one piece with the request", () => {
    const { got, answer } = switching();
    const { socket, requests } = connected(() => answer);
    socket.receive(UPGRADE + GET);
    assertEquals([got[0]!.rest, requests.length], [GET, 1]);
  });

  test("holds 64 KiB behind the request, and no more", () => {
    const { socket } = connected(pending().handler);
    socket.receive(UPGRADE);
    for (let i = 0; i < 66; i++) socket.receive("x".repeat(1000));
    assert(socket.paused);
  });

  test("that is closed from here closes its connection", async () => {
    const { got, answer } = switching();
    const { socket, connection, closed } = connected(() => answer);
    socket.receive(UPGRADE);
    const causes: unknown[] = [];
    got[0]!.socket.listen({ data() {}, ended() {}, drained() {}, closed: (cause) => void causes.push(cause) });
    connection.drain();
    assertEquals(socket.ends, []);
    connection.close();
    await settled();
    assertEquals([socket.ends, causes, closed.length], [["destroy"], [undefined], 1]);
  });

  test("whose client left before the 101 finds a connection that is over", async () => {
    const { handler, answer } = pending();
    const { socket } = connected(handler);
    const { got, answer: switched } = switching();
    socket.receive(UPGRADE);
    socket.fin();
    await answer(switched);
    const causes: unknown[] = [];
    got[0]!.socket.listen({ data() {}, ended() {}, drained() {}, closed: (cause) => void causes.push(cause) });
    await settled();
    assertEquals([socket.taken, causes], ["", [undefined]]);
  });

  test("that is not granted keeps the connection, unless the client sent more behind it", async () => {
    const kept = connected(() => answerOf("no"));
    kept.socket.receive(UPGRADE);
    assertEquals(kept.connection.phase, "idle");
    const early = connected(() => answerOf("no"));
    early.socket.receive(`${UPGRADE}x`);
    assert(early.socket.taken.includes("Connection: close\r\n"));
    assertEquals([early.connection.phase, early.refusals.length], ["lingering", 0]);
    // It comes while the answer is on its way.
    const body = new PushedBody();
    const late = connected(() => answerOf(body));
    late.socket.receive(UPGRADE);
    late.socket.receive(GET);
    body.sink!.end(undefined);
    assertEquals([late.connection.phase, late.requests.length], ["lingering", 1]);
  });

  test("without the protocol's name in the answer is a 500", () => {
    const { got, answer } = switching();
    const { socket } = connected(() => ({ ...answer, headers: new Headers() }));
    socket.receive(UPGRADE);
    assert(socket.taken.startsWith("HTTP/1.1 500 "));
    // Who was to take it over lets go of its other end.
    assertEquals(got.length, 1);
  });
});
