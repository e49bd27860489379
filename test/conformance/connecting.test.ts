import { afterEach, describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { blackHole } from "../helpers/black-hole.ts";
import { answerWith, rawPod } from "../proxy/helpers.ts";
import { gatewayTo } from "./support.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe("an address that swallows packets", () => {
  test("costs timeouts.connect, not timeouts.response, and the request goes to another, its body too", async () => {
    await using hole = await blackHole();
    const pod = await rawPod((socket) => socket.write(answerWith("ok")));
    ends.push(pod.stop);
    await using gateway = await gatewayTo([hole.node.port, pod.port], {
      route: { timeouts: { connect: 1000, response: 120_000 }, health: { passive: { failures: 100, eject: 1000 } } },
    });
    for (let i = 0; i < 4; i++) {
      const answer = await gateway.fetch("/", { method: "POST", body: "x".repeat(200_000) });
      assertEquals([answer.status, await answer.text()], [200, "ok"]);
    }
    assertEquals(pod.requests.length, 4);
  });

  test("is a 502 in time where there is no other", async () => {
    await using hole = await blackHole();
    await using gateway = await gatewayTo([hole.node.port], {
      route: { timeouts: { connect: 1000, response: 120_000 } },
    });
    const answer = await gateway.fetch("/");
    assertEquals([answer.status, ((await answer.json()) as { code: string }).code], [502, "upstream_connect"]);
  });
});
