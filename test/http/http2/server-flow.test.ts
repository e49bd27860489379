import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { BodySource } from "../../../src/http/body.ts";
import { H2_ERROR } from "../../../src/http/http2/errors.ts";
import { DEFAULT_WINDOW, FRAME, readUint32, SETTING } from "../../../src/http/http2/frames.ts";
import { STREAM_WINDOW } from "../../../src/http/http2/stream-receiver.ts";
import type { HttpAnswer } from "../../../src/http/message.ts";
import { PushedBody, sourceOfPieces } from "../../helpers/body.ts";
import { data, get, headers, post, requestLines, settings, windowUpdate } from "../../helpers/http2-frames.ts";
import { answer, Rig, settled } from "./server-rig.ts";

const zeros = (size: number): Uint8Array => new Uint8Array(size);

/** What a stream's and the connection's window were opened by. */
const opened = (rig: Rig, stream: number): number =>
  rig.of(FRAME.windowUpdate, stream).reduce((sum, { payload }) => sum + readUint32(payload, 0), 0);

describe("an answer's body over HTTP/2", () => {
  test("goes through a window of one byte, byte by byte", async () => {
    for (const body of ["abcdef", sourceOfPieces(["ab", "c", "def"])]) {
      const rig = new Rig(() => answer(body)).hello();
      rig.send(settings([SETTING.initialWindowSize, 1]), get(1));
      for (let i = 1; i <= 6; i++) {
        await settled();
        assertEquals(rig.answered(1).body, "abcdef".slice(0, i));
        if (i < 6) rig.send(windowUpdate(1, 1));
      }
      await settled();
      assertEquals(rig.answered(1).ended, true);
    }
  });

  test("does not begin to flow into a closed window, and holds nothing for it", async () => {
    const source = new PushedBody();
    const rig = new Rig(() => answer(source)).hello();
    rig.send(settings([SETTING.initialWindowSize, 0]), get(1));
    await settled();
    assertEquals([source.paused, rig.connection.heldBytes], [true, 0]);
    rig.send(windowUpdate(1, 2));
    assertEquals(source.paused, false);
    source.push("abcd");
    await settled();
    assertEquals([source.paused, rig.connection.heldBytes], [true, 2]);
    rig.send(settings([SETTING.initialWindowSize, 10]));
    await settled();
    assertEquals([source.paused, rig.connection.heldBytes], [false, 0]);
    await settled();
    assertEquals(rig.answered(1).body, "abcd");
  });

  test("waits for a window that settings made negative", async () => {
    const source = new PushedBody();
    const rig = new Rig(() => answer(source)).hello();
    rig.send(settings([SETTING.initialWindowSize, 4]), get(1));
    source.push("abcd");
    rig.send(settings([SETTING.initialWindowSize, 1]));
    source.push("ef");
    assertEquals(source.paused, true);
    rig.send(windowUpdate(1, 3));
    assertEquals(rig.answered(1).body, "abcd");
    rig.send(windowUpdate(1, 2));
    assertEquals(rig.answered(1).body, "abcdef");
    assertEquals(source.paused, false);
  });

  test("shares the connection's window with the others, a frame each in turn", async () => {
    const rig = new Rig(() => answer(zeros(100_000))).hello();
    rig.send(settings([SETTING.initialWindowSize, 200_000]), get(1), get(3), get(5));
    await settled();
    const sizes = (): number[] => [1, 3, 5].map((stream) => rig.answered(stream).body.length);
    assertEquals(sizes(), [DEFAULT_WINDOW, 0, 0]);
    for (let i = 0; i < 6; i++) rig.send(windowUpdate(0, 16_384));
    await settled();
    assertEquals(sizes(), [DEFAULT_WINDOW + 16_384 * 2, 16_384 * 2, 16_384 * 2]);
    rig.send(windowUpdate(0, 1_000_000));
    await settled();
    assertEquals(sizes(), [100_000, 100_000, 100_000]);
    assert([1, 3, 5].every((stream) => rig.answered(stream).ended));
  });

  test("is paused while the socket takes no more, and goes on when it does", async () => {
    const source = new PushedBody();
    const rig = new Rig(() => answer(source)).hello();
    rig.send(get(1));
    await settled();
    rig.socket.room = 0;
    source.push("abc");
    await settled();
    // The socket has it; what follows waits with its source.
    source.push("def");
    assertEquals(source.paused, true);
    assertEquals(rig.connection.heldBytes, rig.socket.waiting + 3);
    rig.socket.take(1000);
    await settled();
    assertEquals([source.paused, rig.answered(1).body], [false, "abcdef"]);
    assertEquals(rig.connection.heldBytes, 0);
  });

  test("of a stream that is reset leaves room for the others", async () => {
    const rig = new Rig(() => answer(zeros(50_000))).hello();
    rig.send(get(1), get(3), get(5));
    await settled();
    rig.send([0, 0, 4, 3, 0, 0, 0, 0, 3, 0, 0, 0, 8], windowUpdate(0, 50_000));
    await settled();
    assertEquals(
      [1, 5].map((stream) => [rig.answered(stream).body.length, rig.answered(stream).ended]),
      [
        [50_000, true],
        [50_000, true],
      ],
    );
    assert(!rig.answered(3).ended);
  });
});

describe("a request's body over HTTP/2", () => {
  /** Bodies that take what comes as long as the test lets them. */
  function uploads(limits = {}) {
    const bodies: { source: BodySource; came: number; ended: boolean; failed: unknown }[] = [];
    const rig = new Rig((request) => {
      const body = { source: request.body as BodySource, came: 0, ended: false, failed: undefined as unknown };
      bodies.push(body);
      body.source.pipe({
        data(bytes) {
          body.came += bytes.length;
        },
        end() {
          body.ended = true;
        },
        fail(error) {
          body.failed = error;
        },
      });
      return new Promise<HttpAnswer>(() => {});
    }, limits).hello();
    return { rig, bodies };
  }

  test("gets its window back as its sink takes it", async () => {
    const { rig, bodies } = uploads();
    rig.send(post(1));
    for (let i = 0; i < 20; i++) {
      rig.send(data(1, zeros(16_384)));
      await settled();
      assertEquals(opened(rig, 1), (i + 1) * 16_384);
      assertEquals(opened(rig, 0), (i + 1) * 16_384);
    }
    assertEquals(bodies[0]!.came, 20 * 16_384);
    assertEquals(rig.connection.bodyBytes, 20 * 16_384);
  });

  test("gives the connection its window back, however little of it came on each stream", async () => {
    const { rig } = uploads();
    for (let i = 0; i < 90; i++) {
      rig.send(post(2 * i + 1), data(2 * i + 1, zeros(9000)));
      await settled();
      assert(9000 * (i + 1) - opened(rig, 0) < 32_768);
    }
    assertEquals(rig.goaways(), []);
  });

  test("that is paused holds no more than its window, and then its client may send no more", async () => {
    const { rig, bodies } = uploads();
    rig.send(post(1));
    bodies[0]!.source.pause();
    rig.send(data(1, zeros(16_384)), data(1, zeros(16_384)));
    await settled();
    assertEquals([bodies[0]!.came, rig.connection.heldBytes], [0, STREAM_WINDOW]);
    assertEquals([opened(rig, 0), opened(rig, 1)], [0, 0]);
    rig.send(data(1, zeros(1)));
    await settled();
    assertEquals([rig.resets(1), rig.goaways()], [[H2_ERROR.flowControl], []]);
    assertEquals(rig.connection.heldBytes, 0);
    // The connection got back what the stream held.
    assertEquals(opened(rig, 0), STREAM_WINDOW + 1);
  });

  test("flows on from where it was paused", async () => {
    const { rig, bodies } = uploads();
    rig.send(post(1));
    bodies[0]!.source.pause();
    rig.send(data(1, zeros(16_384)), data(1, zeros(10_000), true));
    assertEquals([bodies[0]!.came, bodies[0]!.ended], [0, false]);
    bodies[0]!.source.resume();
    assertEquals([bodies[0]!.came, bodies[0]!.ended], [26_384, true]);
    await settled();
    assertEquals(opened(rig, 0), 26_384);
    assertEquals(opened(rig, 1), 0);
  });

  test("that is paused does not hold up another", async () => {
    const { rig, bodies } = uploads();
    rig.send(post(1), post(3));
    bodies[0]!.source.pause();
    rig.send(data(1, zeros(16_384)), data(1, zeros(16_384)));
    let allowed = DEFAULT_WINDOW - STREAM_WINDOW;
    let sent = 0;
    while (sent < 1_000_000) {
      const size = Math.min(16_384, allowed + opened(rig, 0) - sent);
      assert(size > 0, "the connection's window stays open");
      rig.send(data(3, zeros(size)));
      sent += size;
      await settled();
    }
    allowed += opened(rig, 0);
    assertEquals(bodies[1]!.came, sent);
  });

  test("beyond the connection's window ends the connection", async () => {
    const { rig, bodies } = uploads();
    for (const stream of [1, 3, 5, 7, 9]) {
      rig.send(post(stream));
      bodies.at(-1)!.source.pause();
    }
    for (const stream of [1, 3, 5, 7]) rig.send(data(stream, zeros(16_384 - (stream === 7 ? 1 : 0))));
    assertEquals(rig.goaways(), []);
    rig.send(data(9, zeros(1)));
    assertEquals(rig.goaways(), [H2_ERROR.flowControl]);
    await settled();
    assert(bodies.every(({ failed }) => failed instanceof Error));
  });

  test("that is not wanted any more is dropped, and the connection goes on", async () => {
    const { rig, bodies } = uploads();
    rig.send(post(1));
    bodies[0]!.source.pause();
    rig.send(data(1, zeros(10_000)));
    bodies[0]!.source.cancel();
    rig.send(data(1, zeros(16_384)));
    await settled();
    assertEquals([bodies[0]!.came, rig.connection.heldBytes], [0, 0]);
    assertEquals(opened(rig, 0), 26_384);
  });

  test("that comes too slowly is answered 408, while the others go on", async () => {
    const { rig, bodies } = uploads();
    rig.send(
      post(1),
      post(3),
      post(5),
      headers(7, requestLines([["content-type", "application/grpc"]], "POST"), false),
    );
    bodies[2]!.source.pause();
    for (let second = 0; second < 62; second++) {
      await rig.clock.advance(1000);
      rig.connection.tick(rig.clock.now());
      rig.send(data(1, zeros(200)));
    }
    await settled();
    assertEquals(
      [1, 3, 5, 7].map((stream) => rig.answered(stream).statuses),
      [[], ["408"], [], []],
    );
    assertEquals(rig.refusals[0]!.request, rig.requests[1]!);
    assertEquals(rig.requests[1]!.signal.aborted, true);
    assertEquals((bodies[1]!.failed as { failure: string }).failure, "stalled");
  });
});

describe("a client that takes nothing of an answer over HTTP/2", () => {
  test("has its stream reset, the others go on", async () => {
    const source = new PushedBody();
    const rig = new Rig((request) => answer(request.url === "/" ? source : zeros(200_000))).hello();
    rig.send(settings([SETTING.initialWindowSize, 2]), get(1), headers(3, requestLines([], "GET", "/big")));
    source.push("abcd");
    for (let second = 0; second < 62; second++) {
      await rig.clock.advance(1000);
      rig.connection.tick(rig.clock.now());
      rig.send(windowUpdate(3, 10));
    }
    await settled();
    assertEquals([rig.resets(1), rig.resets(3)], [[H2_ERROR.cancel], []]);
    assertEquals(source.cancelled.length, 1);
  });
});
