import { describe, test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../src/base/clock.ts";
import { loadConfig } from "../../src/config/load.ts";
import { type DemoHandler, startDemo } from "../../src/demo/demo.ts";
import { FORMAT } from "../../src/gateway/format.ts";
import { bunHost } from "../../src/platform/bun/host.ts";
import { listenFetch } from "../../src/server/fetch-listener.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { seededRandom } from "../helpers/random.ts";
import { until } from "../helpers/wait.ts";

const listen = async (handler: DemoHandler, host: string, port: number) => {
  const server = await listenFetch({ host, port }, handler, {
    host: bunHost,
    clock: systemClock,
    logger: { log: () => {} },
  });
  return { port: server.port, stop: () => server.stop(0) };
};

/** A system whose only loopback address is 127.0.0.1. */
const listenOnOne: typeof listen = async (handler, hostname, port) => {
  if (hostname !== "127.0.0.1") throw new Error(`EADDRNOTAVAIL ${hostname}`);
  return listen(handler, hostname, port);
};

async function demo(serve = listen) {
  const clock = createFakeClock();
  const running = await startDemo({ serve, clock, random: seededRandom() });
  return { ...running, clock, [Symbol.asyncDispose]: running.stop };
}

const podAt = async (address: string): Promise<string> =>
  ((await (await fetch(`http://${address}/anything`)).json()) as { pod: string }).pod;

interface Slice {
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    readonly targetRef: { readonly name: string };
  }[];
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

const addressesOf = (slices: readonly unknown[]): [address: string, pod: string][] =>
  (slices as readonly Slice[]).flatMap(({ endpoints, ports }) =>
    endpoints.map(
      ({ addresses, targetRef }) => [`${addresses[0]}:${ports[0]!.port}`, targetRef.name] as [string, string],
    ),
  );

describe("the demo cluster", () => {
  for (const [name, serve, slices] of [
    ["addresses of their own with one port, in one slice", listen, 1],
    ["ports of their own on systems with one loopback address, in a slice each", listenOnOne, 2],
  ] as const) {
    test(`has two pods that really answer, on ${name}`, async () => {
      await using running = await demo(serve);
      const found = running.api.list("EndpointSlice", "demo");
      assertEquals(found.length, slices);
      const addresses = addressesOf(found);
      assertEquals(addresses.length, 2);
      for (const [address, pod] of addresses) assertEquals(await podAt(address), pod);
    });
  }

  test("names in Endpoints what it names in EndpointSlices", async () => {
    await using running = await demo();
    const subsets = running.api.get("Endpoints", "demo", "echo")!.subsets as {
      addresses: { ip: string }[];
      ports: { port: number }[];
    }[];
    assertEquals(
      subsets.flatMap(({ addresses, ports }) => addresses.map(({ ip }) => `${ip}:${ports[0]!.port}`)),
      addressesOf(running.api.list("EndpointSlice", "demo")).map(([address]) => address),
    );
  });

  test("takes a deleted pod out of its endpoints at once, and stops its listener a moment later", async () => {
    await using running = await demo();
    const [[address, pod], [other, stays]] = addressesOf(running.api.list("EndpointSlice", "demo")) as [
      [string, string],
      [string, string],
    ];
    const answer = await fetch(`${running.apiserver}/api/v1/namespaces/demo/pods/${pod}`, { method: "DELETE" });
    assertEquals(answer.status, 200);
    assertEquals(addressesOf(running.api.list("EndpointSlice", "demo")), [[other, stays]]);
    assertEquals(await podAt(address), pod);
    await running.clock.advance(2000);
    await until(
      () =>
        fetch(`http://${address}/`).then(
          () => false,
          () => true,
        ),
      { message: "its listener to stop" },
    );
    assertEquals(await podAt(other), stays);
  });

  test("gets another pod in the place of one that was deleted, as a Deployment makes it", async () => {
    await using running = await demo();
    const before = addressesOf(running.api.list("EndpointSlice", "demo"));
    await fetch(`${running.apiserver}/api/v1/namespaces/demo/pods/echo-1`, { method: "DELETE" });
    await running.clock.advance(2000);
    await running.clock.advance(3000);
    const after = await until(
      () => {
        const found = addressesOf(running.api.list("EndpointSlice", "demo"));
        return found.length === 2 ? found : undefined;
      },
      { message: "another pod" },
    );
    assertEquals(new Set(after.map(([, pod]) => pod)), new Set(["echo-2", "echo-3"]));
    assertEquals(new Set(after.map(([address]) => address)), new Set(before.map(([address]) => address)));
    for (const [address, pod] of after) assertEquals(await podAt(address), pod);
    assertEquals(running.api.list("Pod", "demo").length, 2);
  });

  test("prints a config that loads, and lines to try", async () => {
    await using running = await demo();
    const loaded = loadConfig({ format: FORMAT, file: "demo", text: running.config, env: {}, pod: {} });
    assert(loaded.ok, JSON.stringify(loaded));
    assertEquals(loaded.warnings, []);
    const lines = running.hints("http://127.0.0.1:8080", "podway").join("\n");
    assertStringIncludes(lines, "curl http://127.0.0.1:8080/anything");
    assertStringIncludes(lines, `kubectl --server=${running.apiserver}`);
  });

  test("leaves no listener behind", async () => {
    const running = await demo();
    const { apiserver } = running;
    const [[address]] = addressesOf(running.api.list("EndpointSlice", "demo")) as [[string, string]];
    await running.stop();
    await assertRejects(() => fetch(apiserver));
    await assertRejects(() => fetch(`http://${address}/`));
    assertEquals(running.clock.pending, 0);
  });
});
