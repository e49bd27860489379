import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { CLOSE_MS, createClientSocket } from "../../src/http/websocket/client.ts";
import type { StreamSocket } from "../../src/platform/sockets.ts";
import type { MessageEvents, MessageSocket } from "../../src/platform/websocket.ts";
import { joinSockets, type SocketPairEnd } from "../../src/proxy/websocket-tunnel.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { closing, type Frame, frame, takeFrames } from "./websocket-raw.ts";

/** An end that writes down what is done with it. */
function fakeSocket() {
  const done: string[] = [];
  let events: MessageEvents | undefined;
  const state = { full: false };
  const socket: MessageSocket = {
    listen(to) {
      events = to;
    },
    send(message) {
      done.push(`send ${message}`);
      return !state.full;
    },
    pause: () => void done.push("pause"),
    resume: () => void done.push("resume"),
    close: (code, reason) => void done.push(`close ${code} ${reason}`),
    terminate: () => void done.push("terminate"),
  };
  return { socket, done, state, told: () => events! };
}

function join(idle = 0) {
  const clock = createFakeClock();
  const client = fakeSocket();
  const upstream = fakeSocket();
  const ends: SocketPairEnd[] = [];
  joinSockets({ client: client.socket, upstream: upstream.socket, clock, idle, onEnd: (end) => void ends.push(end) });
  return { clock, client, upstream, ends };
}

describe("two joined sockets", () => {
  test("pass messages on, and count what the client got", () => {
    const { client, upstream, ends } = join();
    client.told().message("up", 2);
    upstream.told().message("down", 4);
    upstream.told().message("more", 4);
    client.told().closed(1000, "");
    assertEquals(upstream.done, ["send up", "close 1000 "]);
    assertEquals(client.done, ["send down", "send more"]);
    assertEquals(ends, [{ by: "client", code: 1000, bytes: 8 }]);
  });

  test("make a side wait while the other does not keep up, each way for itself", () => {
    const { client, upstream } = join();
    upstream.state.full = true;
    client.told().message("one", 3);
    upstream.told().message("back", 4);
    assertEquals(client.done, ["pause", "send back"]);
    upstream.told().drained();
    assertEquals(client.done, ["pause", "send back", "resume"]);
    client.state.full = true;
    upstream.told().message("two", 3);
    client.told().drained();
    assertEquals(upstream.done, ["send one", "pause", "resume"]);
  });

  test("end as the other ended: with its code and reason, without a code, or without a word", () => {
    const cases: [number, string, string][] = [
      [1000, "", "close 1000 "],
      [1001, "bye", "close 1001 bye"],
      [4001, "why", "close 4001 why"],
      [1005, "", "close 1005 "],
      [1006, "", "terminate"],
      [1015, "", "terminate"],
    ];
    for (const [code, reason, wanted] of cases) {
      const one = join();
      one.client.told().closed(code, reason);
      const two = join();
      two.upstream.told().closed(code, reason);
      assertEquals([one.upstream.done, two.client.done], [[wanted], [wanted]]);
      assertEquals([one.ends[0]?.by, two.ends[0]?.by], ["client", "upstream"]);
    }
  });

  test("are over once, whatever still comes", () => {
    const { client, upstream, ends } = join();
    client.told().closed(1000, "");
    upstream.told().message("late", 4);
    upstream.told().closed(1011, "");
    assertEquals([client.done, ends.length], [[], 1]);
  });

  test("have no idle time-out unless the route sets one", async () => {
    const { clock, client } = join();
    assertEquals(clock.pending, 0);
    await clock.advance(86_400_000);
    assertEquals(client.done, []);
  });

  test("are closed after the route's idle time without a message or ping from either side", async () => {
    const { clock, client, upstream, ends } = join(1000);
    await clock.advance(900);
    client.told().message("x", 1);
    await clock.advance(900);
    upstream.told().pinged();
    await clock.advance(999);
    assertEquals(ends, []);
    await clock.advance(1);
    assertEquals(ends, [{ by: "idle", code: 1001, bytes: 0 }]);
    const words = "close 1001 Nothing was sent for too long";
    assertEquals([client.done, upstream.done], [[words], ["send x", words]]);
    assertEquals(clock.pending, 0);
  });
});

/** A client's end over a connection that a test plays. */
function overStream() {
  const clock = createFakeClock();
  const done: string[] = [];
  const sent: Frame[] = [];
  const state = { writable: true };
  let bytes: Parameters<StreamSocket["listen"]>[0] | undefined;
  const socket = createClientSocket(
    {
      listen(to) {
        bytes = to;
      },
      peer: { host: "", port: 0 },
      local: { host: "", port: 0 },
      end() {},
      reset() {},
      write(data) {
        takeFrames(Buffer.from(data as Uint8Array), sent);
        return state.writable;
      },
      writeFramed: () => true,
      waiting: 0,
      pause: () => void done.push("pause"),
      resume: () => void done.push("resume"),
      destroy() {
        done.push("destroy");
        bytes?.closed(undefined);
      },
    },
    { clock, maxBytes: 1000, rest: new Uint8Array() },
  );
  const told: string[] = [];
  socket.listen({
    message: (data) => void told.push(`message ${data}`),
    pinged: () => void told.push("pinged"),
    drained: () => void told.push("drained"),
    closed: (code, reason) => void told.push(`closed ${code} ${reason}`),
  });
  // It began to read.
  done.length = 0;
  const feed = (...frames: Buffer[]): void => bytes!.data(Buffer.concat(frames));
  const words = (): string[] => sent.map(({ opcode, payload }) => `${opcode} ${payload.toString("latin1")}`);
  return { clock, socket, done, state, told, feed, words, bytes: () => bytes! };
}

const server = (opcode: number, payload: Buffer | string = ""): Buffer => frame(opcode, payload, { masked: false });

describe("the gateway's end at a pod", () => {
  test("answers pings; while nothing can be written only the last one, once it can", () => {
    const { feed, words, state, told, bytes, socket } = overStream();
    feed(server(9, "one"));
    state.writable = false;
    assertEquals(socket.send("full"), false);
    feed(server(9, "two"), server(9, "three"));
    state.writable = true;
    bytes().drained();
    assertEquals(words(), ["10 one", "1 full", "10 three"]);
    assertEquals(told, ["pinged", "pinged", "pinged", "drained"]);
  });

  test("answers a goodbye with the same code and lets the pod end the connection, for a second", async () => {
    const { feed, words, told, done, clock } = overStream();
    feed(server(8, closing(4001, "why")), server(1, "after the end"));
    assertEquals([words(), told], [["8 \x0f\xa1"], ["closed 4001 why"]]);
    await clock.advance(CLOSE_MS - 1);
    assertEquals(done, ["resume"]);
    await clock.advance(1);
    assertEquals([done, told.length], [["resume", "destroy"], 1]);
  });

  test("says goodbye, drops what still comes, and ends when the pod answers", () => {
    const { socket, feed, words, told, done, clock } = overStream();
    socket.pause();
    socket.close(1001, "going");
    feed(server(1, "late"));
    assertEquals(done, ["pause", "resume"]);
    feed(server(8, closing(1001)));
    assertEquals([words(), told, done.at(-1), clock.pending], [["8 \x03\xe9going"], [], "destroy", 0]);
  });

  test("does not wait for a pod that never answers its goodbye", async () => {
    const { socket, done, clock } = overStream();
    socket.close(1000, "");
    await clock.advance(CLOSE_MS);
    assertEquals(done, ["resume", "destroy"]);
  });

  test("tells a connection that broke, and ends one without a word", () => {
    const broken = overStream();
    broken.bytes().ended();
    assertEquals(broken.told, ["closed 1006 "]);
    const ended = overStream();
    ended.socket.terminate();
    assertEquals([ended.told, ended.words(), ended.done], [[], [], ["destroy"]]);
  });

  test("tells a pod what it did wrong, and reads nothing more of it", () => {
    const { feed, words, told } = overStream();
    feed(server(1, Buffer.from([0xff])));
    feed(server(1, "more"));
    assertEquals([words(), told], [["8 \x03\xefA text is not valid UTF-8"], ["closed 1006 "]]);
  });

  test("tells both sides of a message that is too large", () => {
    const { feed, told } = overStream();
    feed(server(2, Buffer.alloc(1001)));
    assertEquals(told, ["closed 1009 A message is larger than 1000 bytes"]);
  });
});
