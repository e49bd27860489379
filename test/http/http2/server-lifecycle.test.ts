import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { H2_ERROR } from "../../../src/http/http2/errors.ts";
import { FLAG, FRAME, readUint32 } from "../../../src/http/http2/frames.ts";
import type { HttpAnswer } from "../../../src/http/message.ts";
import { data, frame, get, HELLO, ping, post, rstStream, settings, windowUpdate } from "../../helpers/http2-frames.ts";
import { answer, Rig, settled } from "./server-rig.ts";

const goaways = (rig: Rig): number[][] =>
  rig.of(FRAME.goaway).map(({ payload }) => [readUint32(payload, 0), readUint32(payload, 4)]);

/** Sends it again and again until the connection ends: how often that was. */
async function flood(rig: Rig, bytes: (i: number) => number[], most = 10_000): Promise<number> {
  for (let i = 0; i < most; i++) {
    rig.send(bytes(i));
    if (rig.socket.ends.length > 0) return i;
    if (i % 100 === 0) await settled();
  }
  return most;
}

describe("a flood over HTTP/2", () => {
  const never = (): Promise<HttpAnswer> => new Promise(() => {});
  const FLOODS: Record<string, (i: number) => number[]> = {
    "PING (CVE-2019-9512)": () => ping(),
    "PING that acknowledges nothing": () => ping("12345678", FLAG.ack),
    "SETTINGS (CVE-2019-9515)": () => settings(),
    "streams that are reset at once (CVE-2023-44487)": (i) => [...get(2 * i + 3), ...rstStream(2 * i + 3)],
    "streams that the server has to reset (CVE-2019-9514)": (i) => get(2 * i + 3, [["BAD", "x"]]),
    "streams reset for an increment of 0": (i) => [...post(2 * i + 3), ...windowUpdate(2 * i + 3, 0)],
    "DATA without bytes (CVE-2019-9518)": () => data(1, ""),
    "DATA of padding alone": () => frame(FRAME.data, FLAG.padded, 1, [3, 0, 0, 0]),
    PRIORITY: (i) => frame(FRAME.priority, 0, 2 * i + 3, [0, 0, 0, 0, 1]),
    "frames of unknown types": () => frame(0x77, 0, 0, [1]),
    "WINDOW_UPDATE that nothing asked for": () => windowUpdate(1, 1),
    "streams beyond the limit": (i) => post(2 * i + 3),
  };
  for (const [what, bytes] of Object.entries(FLOODS)) {
    test(`of ${what} ends the connection`, async () => {
      const rig = new Rig(never).hello();
      rig.send(post(1));
      const count = await flood(rig, bytes);
      assert(count > 300 && count <= 4100, `after ${count}`);
      assertEquals(rig.goaways(), [H2_ERROR.enhanceYourCalm]);
      await settled();
      assertEquals(rig.requests[0]!.signal.aborted, true);
    });
  }

  test("is not what a busy client does: requests, some given up, pings, and windows that open", async () => {
    const rig = new Rig((request) => (request.url === "/" ? answer("x".repeat(5000)) : never())).hello();
    for (let i = 0; i < 3000; i++) {
      const stream = 2 * i + 1;
      rig.send(get(stream), windowUpdate(stream, 5000), windowUpdate(0, 5000));
      if (i % 3 === 0) rig.send(ping());
      if (i % 4 === 0) rig.send(rstStream(stream));
      if (i % 50 === 0) rig.send(settings());
    }
    await settled();
    assertEquals([rig.goaways(), rig.requests.length], [[], 3000]);
  });

  test("that is spread over time is none", async () => {
    const rig = new Rig().hello();
    for (let second = 0; second < 120; second++) {
      for (let i = 0; i < 40; i++) rig.send(ping());
      await rig.clock.advance(1000);
      rig.connection.tick(rig.clock.now());
    }
    assertEquals(rig.goaways(), []);
  });

  test("of requests given up does not leave more of them under way than allowed", () => {
    const rig = new Rig(never, { streams: 10 }).hello();
    for (let i = 0; i < 60; i++) rig.send(get(2 * i + 1), rstStream(2 * i + 1));
    assertEquals(rig.requests.length, 20);
  });
});

describe("an HTTP/2 connection's requests", () => {
  test("count as under way until each has ended, in whatever way", async () => {
    const found = Promise.withResolvers<HttpAnswer>();
    const rig = new Rig(() => found.promise).hello();
    rig.send(get(1), post(3), get(5), get(7, [["BAD", "x"]]));
    assertEquals(rig.load.requests, 3);
    rig.send(rstStream(5));
    assertEquals(rig.load.requests, 2);
    found.resolve(answer("x"));
    await settled();
    assertEquals(rig.load.requests, 0);
    rig.send(get(9), post(11));
    rig.socket.cut();
    await settled();
    assertEquals(rig.load.requests, 0);
  });
});

describe("an HTTP/2 connection that drains", () => {
  test("still takes the streams that were on their way, then no more, and ends with the last", async () => {
    const found: ((one: HttpAnswer) => void)[] = [];
    const rig = new Rig(() => new Promise((resolve) => void found.push(resolve))).hello();
    rig.send(get(1));
    rig.connection.drain();
    rig.send(get(3));
    await settled();
    assertEquals(goaways(rig), [[0x7fff_ffff, 0]]);
    const asked = rig.of(FRAME.ping).at(-1)!;
    rig.send(frame(FRAME.ping, FLAG.ack, 0, asked.payload));
    assertEquals(goaways(rig).at(-1), [3, 0]);
    rig.send(get(5));
    assertEquals([rig.requests.length, rig.resets(5)], [2, [H2_ERROR.refusedStream]]);
    for (const resolve of found) resolve(answer("last"));
    await settled();
    assertEquals([rig.answered(1).body, rig.answered(3).body], ["last", "last"]);
    assertEquals([rig.socket.ends, rig.connection.phase], [["end"], "lingering"]);
    rig.socket.fin();
    await settled();
    assertEquals([rig.connection.phase, rig.closed], ["over", 1]);
  });

  test("does not wait for a client that answers no PING", async () => {
    const rig = new Rig().hello();
    rig.send(get(1));
    rig.connection.drain();
    await rig.clock.advance(1000);
    rig.connection.tick(rig.clock.now());
    assertEquals(goaways(rig), [
      [0x7fff_ffff, 0],
      [1, 0],
    ]);
    assertEquals(rig.socket.ends, ["end"]);
    rig.connection.expire("linger");
    assertEquals([rig.socket.ends, rig.closed], [["end", "destroy"], 1]);
  });

  test("begins to when an answer says that it is the last", async () => {
    const rig = new Rig(() => answer("x", [["connection", "close"]])).hello();
    rig.send(get(1));
    await settled();
    assertEquals([rig.answered(1).body, goaways(rig)], ["x", [[0x7fff_ffff, 0]]]);
    assert(!rig.answered(1).fields.some(([name]) => name === "connection"));
  });

  test("ends when its client goes, once the streams that are open have ended", async () => {
    const found = Promise.withResolvers<HttpAnswer>();
    const rig = new Rig(() => found.promise).hello();
    rig.send(get(1), frame(FRAME.goaway, 0, 0, new Uint8Array(8)));
    await settled();
    assertEquals(rig.socket.ends, []);
    found.resolve(answer("x"));
    await settled();
    assertEquals([rig.answered(1).body, rig.socket.ends], ["x", ["end"]]);
  });
});

describe("an HTTP/2 connection's time", () => {
  test("is watched by its phase", async () => {
    const found = Promise.withResolvers<HttpAnswer>();
    const rig = new Rig(() => found.promise);
    assertEquals(rig.connection.phase, "head");
    await rig.clock.advance(10);
    rig.hello();
    assertEquals([rig.connection.phase, rig.connection.since], ["idle", rig.clock.now()]);
    await rig.clock.advance(10);
    rig.send(get(1));
    assertEquals([rig.connection.phase, rig.connection.since], ["request", rig.clock.now()]);
    await rig.clock.advance(10);
    found.resolve(answer("x"));
    await settled();
    assertEquals([rig.connection.phase, rig.connection.since], ["idle", rig.clock.now()]);
    for (const [timeout, ends] of [
      ["head", 0],
      ["body", 0],
      ["linger", 0],
      ["keep_alive", 1],
    ] as const) {
      rig.connection.expire(timeout);
      assertEquals(rig.socket.ends.length, ends);
    }
    await settled();
    assertEquals([goaways(rig), rig.closed], [[[1, 0]], 1]);
  });

  test("is a head's until its preface and settings are there, and while a block of fields is open", () => {
    const rig = new Rig();
    rig.send(HELLO.slice(0, 30));
    rig.connection.expire("keep_alive");
    assertEquals([rig.connection.phase, rig.socket.ends], ["head", []]);
    rig.send(HELLO.slice(30));
    assertEquals(rig.connection.phase, "idle");
    rig.send(frame(FRAME.headers, 0, 1, [0x82]));
    assertEquals(rig.connection.phase, "head");
    rig.send(frame(FRAME.continuation, FLAG.endHeaders, 1, []));
    assertEquals(rig.connection.phase, "idle");
    rig.send([0, 0, 8, 6]);
    assertEquals(rig.connection.phase, "head");
    rig.connection.expire("head");
    assertEquals(rig.socket.ends, ["destroy"]);
  });

  test("goes on while frames come that begin no stream", async () => {
    const rig = new Rig().hello();
    const { since } = rig.connection;
    await rig.clock.advance(1000);
    const bytes = ping();
    rig.send(bytes.slice(0, 10), bytes.slice(10), bytes);
    assertEquals([rig.connection.phase, rig.connection.since], ["idle", since]);
  });

  test("is over for a client that does not acknowledge the settings", async () => {
    const rig = new Rig();
    rig.send(HELLO);
    await rig.clock.advance(9_000);
    rig.connection.tick(rig.clock.now());
    assertEquals(rig.goaways(), []);
    await rig.clock.advance(1_000);
    rig.connection.tick(rig.clock.now());
    assertEquals(rig.goaways(), [H2_ERROR.settingsTimeout]);
  });

  test("is up for one that reads nothing", async () => {
    const rig = new Rig(() => answer("x".repeat(100))).hello();
    rig.socket.room = 10;
    rig.send(get(1));
    await settled();
    assert(rig.connection.waiting > 0);
    rig.connection.expire("write");
    await settled();
    assertEquals([rig.socket.ends, rig.closed], [["reset"], 1]);
  });

  test("that is over drops what comes, and not for ever", async () => {
    const rig = new Rig().hello();
    rig.send(data(0, "x"));
    assertEquals([rig.connection.phase, rig.socket.ends], ["lingering", ["end"]]);
    for (let i = 0; i < 5; i++) rig.send(get(2 * i + 1), data(1, new Uint8Array(16_384)));
    await settled();
    assertEquals([rig.requests.length, rig.socket.ends], [0, ["end", "destroy"]]);
    assertEquals(rig.closed, 1);
    rig.connection.close();
    rig.connection.drain();
    rig.connection.tick(0);
    assertEquals(rig.closed, 1);
  });
});
