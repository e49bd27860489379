import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import type { BodySource } from "../../src/http/body.ts";
import { Fields } from "../../src/http/header-fields.ts";
import { KEPT_BYTES, Upload } from "../../src/proxy/upload.ts";
import { PushedBody } from "../helpers/body.ts";

/** An upload of a client that sends when the test says so, and what its owner was notified of. */
function upload({ limit = 0, expected = false } = {}) {
  const client = new PushedBody();
  const clock = { now: 0 };
  const handed: number[] = [];
  const owner = { handedOver: (now: number) => void handed.push(now), tooLarge: () => {} };
  const body = new Upload(client, { limit, rate: 100, window: 1000, now: () => clock.now }, owner, expected);
  return { client, clock, handed, body };
}

/** What an attempt got. */
function taken(body: BodySource) {
  const got = { text: "", ends: [] as string[] };
  body.pipe({
    data: (bytes) => {
      got.text += Buffer.from(bytes).toString("latin1");
    },
    end: (trailers) => void got.ends.push(trailers?.get("x-sum") ?? "whole"),
    fail: (error) => void got.ends.push(String(error)),
  });
  return got;
}

describe("the body of a request, of which the first 64 KiB are kept", () => {
  test("is sent again from its beginning, trailers and all, at whatever byte the attempt before failed", () => {
    for (let cut = 0; cut <= 3; cut++) {
      const { client, body } = upload();
      const first = body.open();
      const had = taken(first);
      for (const piece of ["a", "b", "c"].slice(0, cut)) client.push(piece);
      first.cancel();
      assertEquals([had.text, body.repeatable, client.cancelled], ["abc".slice(0, cut), true, []], `${cut}`);
      const again = taken(body.open());
      for (const piece of ["a", "b", "c"].slice(cut)) client.push(piece);
      client.sink!.end(Fields.from([["x-sum", "6"]]));
      assertEquals([again.text, again.ends, had.ends, body.whole], ["abc", ["6"], [], true]);
    }
  });

  test("can be sent again after it came whole", () => {
    const { client, body } = upload();
    const had = taken(body.open());
    client.push("abc");
    client.sink!.end(undefined);
    const again = taken(body.open());
    assertEquals(
      [had, again],
      [
        { text: "abc", ends: ["whole"] },
        { text: "abc", ends: ["whole"] },
      ],
    );
  });

  test("cannot be once more than that came, or once its answer goes to the client", () => {
    const { client, body } = upload();
    const had = taken(body.open());
    client.push("x".repeat(KEPT_BYTES));
    assertEquals(body.repeatable, true);
    client.push("y");
    assertEquals([body.repeatable, had.text.length], [false, KEPT_BYTES + 1]);
    const answered = upload();
    taken(answered.body.open());
    answered.client.push("x");
    answered.body.answered();
    assertEquals(answered.body.repeatable, false);
  });

  test("goes on to where it went after an early answer, and is given up once that takes no more", () => {
    const { client, body } = upload();
    const attempt = body.open();
    const had = taken(attempt);
    body.answered();
    client.push("x");
    assertEquals([had.text, client.cancelled.length], ["x", 0]);
    attempt.cancel();
    assertEquals(client.cancelled.length, 1);
  });

  test("is given up at once where no attempt takes it when the answer is there", () => {
    for (const end of ["answered", "drop"] as const) {
      const { client, body } = upload();
      const attempt = body.open();
      taken(attempt);
      attempt.cancel();
      assertEquals([client.paused, client.cancelled.length], [true, 0]);
      body[end]();
      assertEquals(client.cancelled.length, 1);
    }
  });

  test("waits with its client while the pod takes nothing, and what an attempt before says no longer counts", () => {
    const { client, body } = upload();
    const first = body.open();
    taken(first);
    client.push("a");
    first.cancel();
    const second = body.open();
    second.pause();
    const had = taken(second);
    first.pause();
    first.resume();
    first.cancel();
    assertEquals([had.text, client.paused], ["", true]);
    second.resume();
    assertEquals([had.text, client.paused], ["a", false]);
    client.push("b");
    assertEquals(had.text, "ab");
  });

  test("fails for the attempt under way and every other as its client broke it off", () => {
    const { client, body } = upload();
    const had = taken(body.open());
    client.sink!.fail("broken");
    assertEquals([had.ends, body.repeatable, body.whole], [["broken"], false, false]);
  });
});

describe("whose time it is", () => {
  test("is the client's while the pod takes more, and the pod's from the last byte that came", () => {
    const { client, clock, handed, body } = upload();
    const attempt = body.open();
    assertEquals(body.waiting, false);
    taken(attempt);
    assertEquals(body.waiting, true);
    clock.now = 5;
    client.push("x");
    assertEquals([handed, body.waiting], [[5], true]);
    attempt.pause();
    assertEquals(body.waiting, false);
    attempt.resume();
    clock.now = 7;
    client.sink!.end(undefined);
    assertEquals([handed, body.waiting, body.underWay], [[5, 7], false, false]);
  });

  test("is the pod's until the client may send, where it waits for that to be said", () => {
    const { client, clock, body } = upload({ expected: true });
    taken(body.open());
    clock.now = 5000;
    assertEquals([body.waiting, body.stalled(clock.now)], [false, false]);
    body.continued();
    assertEquals([body.waiting, body.expected], [true, false]);
    clock.now += 1000;
    assertEquals(body.stalled(clock.now), true);
    const impatient = upload({ expected: true });
    taken(impatient.body.open());
    impatient.client.push("x");
    assertEquals([impatient.body.waiting, impatient.body.expected], [true, false]);
    assertEquals(client.cancelled, []);
  });
});
