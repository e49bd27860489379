import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Fault, FaultEffect } from "../helpers/apiserver-faults.ts";
import { embedded } from "../helpers/embedded.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { at, type Followed, follow, slice } from "./support.ts";

const MINUTE = 60_000;

const count = ({ api }: Followed, verb: string): number =>
  api.requests.filter((request) => request.verb === verb).length;

const onWatches = (effect: FaultEffect): Fault => ({ match: { verb: "watch" }, effect });

/** A cluster in mode `auto` with one service, on a clock that a test moves. */
async function auto(effect?: FaultEffect) {
  const clock = createFakeClock();
  const api = embedded({ clock });
  const mend = effect === undefined ? () => {} : api.faults.add(onWatches(effect));
  const objects = [slice("web-a", [at("10.0.0.1")]), slice("web-b", [at("10.0.0.2")])];
  const followed = await follow(objects, { mode: "auto" }, { api, clock });
  await clock.settle();
  return { clock, api, followed, mend };
}

describe("mode auto", () => {
  const broken: readonly (readonly [string, FaultEffect])[] = [
    ["a proxy that holds the streams' bytes back", { kind: "stall", after: 0 }],
    ["a proxy that never answers a watch", { kind: "stall" }],
    ["a proxy that cuts streams after their first byte", { kind: "cut", after: 1 }],
    ["a proxy that ends streams at once", { kind: "cut", after: 0, clean: true }],
    ["a time-out of the proxy", { kind: "status", code: 504 }],
    ["a role without the verb watch", { kind: "status", code: 403, reason: "Forbidden", message: "may not watch" }],
  ];
  for (const [what, effect] of broken) {
    test(`polls behind ${what}, says so, and watches again when that is over`, async () => {
      const { clock, api, followed, mend } = await auto(effect);
      await using _ = followed;
      // Something happens in every stream's life: a silent stream is bad only if it kept something back.
      for (let i = 0; followed.cluster.status().state !== "polling" && i < 30; i++) {
        api.apply(slice("web-a", [at(`10.0.1.${i}`)]));
        await clock.advance(10_000);
      }
      assertEquals(followed.cluster.status().state, "polling");
      assertEquals(followed.cluster.status().mode, "auto");
      assert(followed.log.some(({ level, message }) => level === "warn" && message.includes("watches do not work")));
      api.apply(slice("web-a", [at("10.0.2.1")]));
      await clock.advance(6000);
      assertEquals(followed.addresses("web"), ["10.0.0.2:8080", "10.0.2.1:8080"]);
      assertEquals([followed.cluster.status().stale, followed.cluster.status().lastError], [false, null]);

      const watches = count(followed, "watch");
      mend();
      await clock.advance(4 * MINUTE);
      assertEquals(count(followed, "watch"), watches);
      await clock.advance(MINUTE);
      assertEquals(followed.cluster.status().state, "watching");
      api.apply(slice("web-a", [at("10.0.2.2")]));
      await clock.settle();
      assertEquals(followed.addresses("web"), ["10.0.0.2:8080", "10.0.2.2:8080"]);
    });
  }

  test("notices a deletion that silent streams kept back", async () => {
    const { clock, api, followed } = await auto({ kind: "stall", after: 0 });
    await using _ = followed;
    api.remove("EndpointSlice", "default", "web-a");
    await clock.advance(4 * MINUTE);
    assertEquals(followed.cluster.status().state, "polling");
    assertEquals(followed.addresses("web"), ["10.0.0.2:8080"]);
  });

  test("stays with the watch where it works, however quiet the cluster is", async () => {
    const { clock, followed } = await auto();
    await using _ = followed;
    await clock.advance(30 * MINUTE);
    assertEquals(followed.cluster.status().state, "watching");
    assertEquals(count(followed, "list"), 1);
  });

  test("never shows fewer addresses while it goes from one to the other", async () => {
    const { clock, followed } = await auto({ kind: "cut", after: 0, clean: true });
    await using _ = followed;
    const upstream = followed.discovery.upstream({ service: "web" });
    const known = upstream.endpoints();
    for (let second = 0; second < 12 * 60; second++) {
      await clock.advance(1000);
      assert(upstream.endpoints() === known);
    }
    assertStringIncludes(followed.log.map(({ message }) => message).join("\n"), "trying again in 5 minutes");
    assert(count(followed, "watch") >= 5);
  });
});
