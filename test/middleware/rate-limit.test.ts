import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { chained, problemOf } from "./support.ts";

describe("rate_limit", () => {
  test("answers 429 past the limit, until the window is over", async () => {
    const clock = createFakeClock();
    const { send } = chained("[{rate_limit: {limit: 2, window: 30000}}]", { parts: { clock } });
    assertEquals([(await send("/")).status, (await send("/")).status], [200, 200]);
    await clock.advance(10_000);
    const answer = await send("/");
    assertEquals(answer.headers.get("retry-after"), "20");
    assertEquals(await problemOf(answer), [429, "application/problem+json", "rate_limited"]);
    assertEquals((await send("/", { peer: "192.0.2.8" })).status, 200);
    await clock.advance(20_000);
    assertEquals((await send("/")).status, 200);
  });

  test("tells clients what is left", async () => {
    const { send } = chained("[{rate_limit: {limit: 2}}]");
    const { headers } = await send("/");
    assertEquals([headers.get("ratelimit-limit"), headers.get("ratelimit-remaining")], ["2", "1"]);
    const silent = await chained("[{rate_limit: {limit: 2, headers: false}}]").send("/");
    assertEquals(silent.headers.get("ratelimit-limit"), null);
  });

  test("counts by a header, and a client without it by its address", async () => {
    const { send } = chained("[{rate_limit: {limit: 1, key: {header: x-api-key}}}]");
    const from = async (key: string | undefined, peer: string): Promise<number> =>
      (await send("/", { peer, headers: key === undefined ? {} : { "x-api-key": key } })).status;
    assertEquals([await from("a", "192.0.2.1"), await from("a", "192.0.2.2")], [200, 429]);
    assertEquals([await from("b", "192.0.2.1"), await from(undefined, "192.0.2.1")], [200, 200]);
    assertEquals(await from(undefined, "192.0.2.1"), 429);
  });

  test("takes all addresses of one IPv6 customer for one client", async () => {
    const { send } = chained("[{rate_limit: {limit: 1}}]");
    assertEquals((await send("/", { peer: "2001:db8:0:1::1" })).status, 200);
    assertEquals((await send("/", { peer: "2001:db8:0:1:ffff::2" })).status, 429);
    assertEquals((await send("/", { peer: "2001:db8:0:2::1" })).status, 200);
  });
});
