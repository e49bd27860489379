import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { FLAG, FRAME } from "../../../src/http/http2/frames.ts";
import { ping } from "../../helpers/http2-frames.ts";
import { CASES } from "./conformance-cases.ts";
import { answer, Rig, settled } from "./server-rig.ts";

/** Answers when the body is whole; what breaks off has no answer. */
function rigOf(): Rig {
  return new Rig((request) => {
    const { body } = request;
    if (body === null || "getReader" in body) return answer("ok");
    return new Promise((resolve) => {
      body.pipe({ data() {}, end: () => resolve(answer("ok")), fail() {} });
    });
  });
}

describe("HTTP/2, case by case", () => {
  for (const { section, what, bytes, greeted = true, then } of CASES) {
    test(`${section}: ${what}`, async () => {
      // In one piece, and byte by byte: where it was cut makes no difference.
      for (const cut of [false, true]) {
        const rig = rigOf();
        if (greeted) rig.hello();
        if (cut) for (const byte of bytes) rig.send([byte]);
        else rig.send(bytes);
        await settled();
        if ("connection" in then) {
          assertEquals(rig.goaways(), [then.connection]);
          assert(rig.socket.ends.length > 0, "the connection ends");
          assertEquals(rig.broken.length, 1);
          continue;
        }
        rig.send(ping("is alive"));
        await settled();
        assertEquals(rig.goaways(), []);
        assertEquals(rig.of(FRAME.ping).at(-1)?.flags, FLAG.ack);
        if ("stream" in then) {
          assertEquals(rig.resets(then.on ?? 1), [then.stream]);
          assertEquals(rig.answered(then.on ?? 1).statuses, then.status === undefined ? [] : [String(then.status)]);
        } else {
          for (const stream of then.answered ?? []) {
            assertEquals([stream, rig.answered(stream).statuses, rig.resets(stream)], [stream, ["200"], []]);
          }
          if (then.status !== undefined) {
            assertEquals(rig.answered(1).statuses, [String(then.status)]);
            assertEquals(rig.resets(1), []);
          }
        }
        assertEquals(rig.failures, []);
      }
    });
  }

  test("covers the sections that h2spec covers, with at least 120 cases", () => {
    const sections = new Set(CASES.map(({ section }) => section.split(" ")[0]));
    for (const section of "3.4 4.1 4.2 4.3 5.1 5.1.1 5.1.2 5.4.1 5.5 6.1 6.2 6.3 6.4 6.5 6.5.2 6.5.3 6.6 6.7 6.8 6.9 6.9.1 6.9.2 6.10 7 8.1 8.1.1 8.2 8.2.1 8.2.2 8.3 8.3.1 8.4 8.5".split(
      " ",
    )) {
      assert(sections.has(section), section);
    }
    for (const section of ["2.3.3", "4.2", "5.2", "6.1", "6.3"]) {
      assert(
        CASES.some((one) => one.section === `HPACK ${section}`),
        section,
      );
    }
    assert(CASES.length >= 120, String(CASES.length));
  });
});
