import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { kindsOf } from "../../../src/http/fields.ts";
import { H2_ERROR } from "../../../src/http/http2/errors.ts";
import { FRAME } from "../../../src/http/http2/frames.ts";
import type { SocketEvents, StreamSocket } from "../../../src/platform/sockets.ts";
import { data, headers, type Line, requestLines, rstStream } from "../../helpers/http2-frames.ts";
import { answer, Rig, settled } from "./server-rig.ts";

const DATE: Line = ["date", "Thu, 01 Jan 2026 00:00:00 GMT"];

describe("a WebSocket over HTTP/2 (RFC 8441)", () => {
  const open = (more: readonly Line[] = []): number[] =>
    headers(1, [...requestLines([], "CONNECT", "/chat"), [":protocol", "websocket"], ...more], false);

  /** What a tunnel's owner sees. */
  function watched(): { events: SocketEvents; seen: string[]; closed: () => unknown[] } {
    const seen: string[] = [];
    const causes: unknown[] = [];
    return {
      seen,
      closed: () => causes,
      events: {
        data: (bytes) => void seen.push(Buffer.from(bytes).toString()),
        ended: () => void seen.push("ended"),
        drained: () => void seen.push("drained"),
        closed(cause) {
          seen.push("closed");
          causes.push(cause);
        },
      },
    };
  }

  function tunnelled() {
    let tunnel!: StreamSocket;
    let rest: Uint8Array | undefined;
    const watch = watched();
    const rig = new Rig(() => ({
      ...answer(null, [["upgrade", "websocket"], ["sec-websocket-accept", "x"], ["sec-websocket-protocol", "p"]], 101), // biome-ignore format: short
      tunnel(client, behind) {
        tunnel = client;
        rest = behind;
        client.listen(watch.events);
      },
    })).hello();
    rig.send(open([["sec-websocket-protocol", "p"]]), data(1, "early"));
    return { rig, tunnel, rest, ...watch };
  }

  test("is asked for as over HTTP/1.1, and its 101 is 200", async () => {
    const { rig, rest } = tunnelled();
    await settled();
    const { method, url, headers: fields, body } = rig.requests[0]!;
    assertEquals([method, url, body, rest], ["GET", "/chat", null, new Uint8Array()]);
    const found = ["upgrade", "connection", "sec-websocket-version", "sec-websocket-protocol"];
    assertEquals(
      found.map((name) => fields.get(name)),
      ["websocket", "Upgrade", "13", "p"],
    );
    assertEquals(atob(fields.get("sec-websocket-key")!).length, 16);
    // The gateway asks the kinds alone whether there is an `Upgrade`.
    let kinds = 0;
    fields.forEach((_, name) => {
      kinds |= kindsOf(name);
    });
    assertEquals(rig.requests[0]!.kinds, kinds);
    assertEquals(rig.answered(1).fields, [[":status", "200"], ["sec-websocket-protocol", "p"], DATE]);
    assertEquals(rig.answered(1).ended, false);
  });

  test("carries bytes both ways, paused at first, and each end by itself", async () => {
    const { rig, tunnel, seen, closed } = tunnelled();
    assertEquals(seen, []);
    tunnel.resume();
    assertEquals(seen, ["early"]);
    rig.send(data(1, "more", true));
    assertEquals(seen, ["early", "more", "ended"]);
    assertEquals([tunnel.write("\xe9b"), tunnel.writeFramed("<", Uint8Array.of(99), ">")], [true, true]);
    tunnel.end();
    await settled();
    assertEquals([rig.answered(1).body, rig.answered(1).ended, rig.resets(1)], ["\xe9b<c>", true, []]);
    assertEquals([seen.at(-1), closed()], ["closed", [undefined]]);
    assertEquals(tunnel.peer.host, "192.0.2.7");
  });

  test("notices that its client is gone, or is cut off from here", async () => {
    const gone = tunnelled();
    gone.rig.send(rstStream(1));
    assertEquals(gone.seen, ["closed"]);
    assert(gone.closed()[0] instanceof Error);
    const cut = tunnelled();
    cut.tunnel.reset();
    await settled();
    assertEquals([cut.rig.resets(1), cut.seen], [[H2_ERROR.cancel], ["closed"]]);
    const lost = tunnelled();
    lost.rig.socket.cut();
    await settled();
    assertEquals(lost.seen, ["closed"]);
  });

  test("that the pod refuses is answered, and its stream ends", async () => {
    const rig = new Rig(() => answer("no", [], 403)).hello();
    rig.send(open(), data(1, "early"));
    await settled();
    assertEquals([rig.answered(1).statuses, rig.resets(1)], [["403"], [H2_ERROR.noError]]);
    assertEquals(rig.of(FRAME.goaway), []);
  });
});
