import { afterEach, describe, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { assert, assertEquals, assertLess } from "@std/assert";
import { endingWithUs } from "../helpers/child.ts";
import { answerWith, rawPod } from "../proxy/helpers.ts";
import { gatewayTo } from "./support.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A program that listens and never takes a connection: its backlog fills up. */
const STOPPED = `
  const server = require("node:net").createServer(() => {});
  server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
    console.log(server.address().port);
    process.kill(process.pid, "SIGSTOP");
  });
`;

/** A port whose SYNs the kernel drops, as of a node that is gone: its listener's backlog is full, and it never accepts. */
async function blackHole(): Promise<number> {
  const child = Bun.spawn(endingWithUs([process.execPath, "-e", STOPPED]), { stdout: "pipe", stderr: "inherit" });
  ends.push(() => child.kill("SIGKILL"));
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  // The backlog takes so many and not one more.
  for (let made = 0; made < 6000; made++) {
    const stands = await new Promise<boolean>((resolve) => {
      const socket: Socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => {});
      ends.push(() => socket.destroy());
      setTimeout(() => resolve(false), 150);
    });
    if (!stands) return port;
  }
  throw new Error("The backlog never became full");
}

describe("an address that swallows packets", () => {
  test("costs timeouts.connect, not timeouts.response, and the request goes to another, its body too", async () => {
    const hole = await blackHole();
    const pod = await rawPod((socket) => socket.write(answerWith("ok")));
    ends.push(pod.stop);
    await using gateway = await gatewayTo([hole, pod.port], {
      route: { timeouts: { connect: 300, response: 30_000 }, health: { passive: { failures: 100, eject: 1000 } } },
    });
    for (let i = 0; i < 4; i++) {
      const began = performance.now();
      const answer = await gateway.fetch("/", { method: "POST", body: "x".repeat(200_000) });
      assertEquals([answer.status, await answer.text()], [200, "ok"]);
      assertLess(performance.now() - began, 15_000);
    }
    assertEquals(pod.requests.length, 4);
  });

  test("is a 502 in time where there is no other", async () => {
    const hole = await blackHole();
    await using gateway = await gatewayTo([hole], { route: { timeouts: { connect: 300, response: 30_000 } } });
    const began = performance.now();
    const answer = await gateway.fetch("/");
    const took = performance.now() - began;
    assertEquals([answer.status, ((await answer.json()) as { code: string }).code], [502, "upstream_connect"]);
    assert(took > 290 && took < 15_000, `${took} ms`);
  });
});
