import { describe, test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { type Ask, createAsker, type Reply, reply } from "../../../src/server/threads/rpc.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

function asker() {
  const clock = createFakeClock();
  const asks: Ask[] = [];
  return { clock, asks, asker: createAsker((ask) => asks.push(ask), clock) };
}

describe("a question to the other side", () => {
  test("gets its own answer, in whatever order they come", async () => {
    const { asks, asker: one } = asker();
    const [first, second] = [one.ask("a", 1, 0), one.ask("b", 2, 0)];
    one.replied({ kind: "reply", id: asks[1]!.id, data: "of b" });
    one.replied({ kind: "reply", id: asks[0]!.id, data: "of a" });
    assertEquals(await Promise.all([first, second]), ["of a", "of b"]);
  });

  test("that is not answered in time is given up, and a late answer harms nobody", async () => {
    const { clock, asks, asker: one } = asker();
    const rejected = assertRejects(() => one.ask("a", 1, 100), Error, 'no answer to "a" within 100 ms');
    await clock.advance(100);
    await rejected;
    one.replied({ kind: "reply", id: asks[0]!.id, data: "late" });
    assertEquals(clock.pending, 0);
  });

  test("ends when the other side is gone, and none is asked after that", async () => {
    const { asker: one } = asker();
    const rejected = assertRejects(() => one.ask("a", 1, 0), Error, "gone");
    one.gone();
    await rejected;
    await assertRejects(() => one.ask("b", 1, 0), Error, "gone");
  });

  test("that fails there fails here in the same words", async () => {
    const replies: Reply[] = [];
    const ask: Ask = { kind: "ask", id: 7, question: "a", data: 1 };
    const fail = async (): Promise<never> => {
      throw new Error("no such thing");
    };
    await reply(ask, fail, (one) => replies.push(one));
    assertEquals(replies, [{ kind: "reply", id: 7, error: "no such thing" }]);
  });
});
