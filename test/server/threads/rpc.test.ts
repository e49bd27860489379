import { describe, test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { answerCall, createRpcClient, type RpcRequest, type RpcResponse } from "../../../src/server/threads/rpc.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

function client() {
  const clock = createFakeClock();
  const requests: RpcRequest[] = [];
  return { clock, requests, client: createRpcClient((request) => requests.push(request), clock) };
}

describe("a call to the other side", () => {
  test("gets its own answer, in whatever order they come", async () => {
    const { requests, client: one } = client();
    const [first, second] = [one.call("a", 1, 0), one.call("b", 2, 0)];
    one.receive({ kind: "response", id: requests[1]!.id, data: "of b" });
    one.receive({ kind: "response", id: requests[0]!.id, data: "of a" });
    assertEquals(await Promise.all([first, second]), ["of a", "of b"]);
  });

  test("that is not answered in time is given up, and a late answer does no harm", async () => {
    const { clock, requests, client: one } = client();
    const rejected = assertRejects(() => one.call("a", 1, 100), Error, 'no answer to "a" within 100 ms');
    await clock.advance(100);
    await rejected;
    one.receive({ kind: "response", id: requests[0]!.id, data: "late" });
    assertEquals(clock.pending, 0);
  });

  test("ends when the other side is gone, and none is asked after that", async () => {
    const { client: one } = client();
    const rejected = assertRejects(() => one.call("a", 1, 0), Error, "gone");
    one.gone();
    await rejected;
    await assertRejects(() => one.call("b", 1, 0), Error, "gone");
  });

  test("that fails there fails here in the same words", async () => {
    const responses: RpcResponse[] = [];
    const request: RpcRequest = { kind: "call", id: 7, method: "a", data: 1 };
    const fail = async (): Promise<never> => {
      throw new Error("no such thing");
    };
    await answerCall(request, fail, (one) => responses.push(one));
    assertEquals(responses, [{ kind: "response", id: 7, error: "no such thing" }]);
  });
});
