import { describe, test } from "bun:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { serveEmbedded } from "../helpers/embedded.ts";
import { runCommand, startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { clusterBlock, slice } from "./objects.ts";

/** An address that nothing of this machine reaches (RFC 5737), as pods of a cluster on another network have. */
const AWAY = "192.0.2.7";

/** A cluster whose apiserver reaches its pod, and nobody else. */
async function stage() {
  const received: Request[] = [];
  const pod = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      received.push(request.clone());
      const { pathname, search } = new URL(request.url);
      if (pathname === "/moved") return new Response(null, { status: 302, headers: { location: "/there" } });
      return new Response(`${request.method} ${pathname}${search} ${await request.text()}`, {
        headers: { "x-pod": "1" },
      });
    },
  });
  const cluster = await serveEmbedded({ requireToken: "secret" });
  cluster.api.apply([
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace: "shop", name: "web-1" },
      spec: { containers: [{ name: "web", image: "none" }] },
      status: { phase: "Running", podIP: "127.0.0.1" },
    },
    slice("shop/web", [{ addresses: [AWAY], targetRef: { kind: "Pod", namespace: "shop", name: "web-1" } }], pod.port!),
  ]);
  const config = {
    server: { listen: "127.0.0.1:0" },
    admin: { listen: "127.0.0.1:0" },
    discovery: { kubernetes: { ...clusterBlock(cluster), client: { token: "secret" } } },
    routes: [
      {
        path: "/",
        service: "shop/web:http",
        timeouts: { connect: 300 },
        health: { active: { path: "/healthy", interval: 100 } },
      },
    ],
  };
  return {
    ...{ cluster, config, received },
    async [Symbol.asyncDispose]() {
      await cluster.stop();
      await pod.stop(true);
    },
  };
}

describe("--via-apiserver", () => {
  test("reaches pods through the apiserver, health checks too, says so, and is never the default", async () => {
    await using at = await stage();
    await using direct = await startGateway({ config: at.config });
    assertEquals((await direct.fetch("/cart")).ok, false);
    await direct.stop();

    await using gateway = await startGateway({ config: at.config, args: ["--via-apiserver"] });
    assertStringIncludes(gateway.stderr.join("\n"), "Requests go to pods through the apiserver");
    const answer = await gateway.fetch("/cart?n=1", { method: "POST", body: "three", headers: { "x-mine": "yes" } });
    assertEquals([answer.status, await answer.text(), answer.headers.get("x-pod")], [200, "POST /cart?n=1 three", "1"]);
    const { headers } = at.received.find(({ url }) => url.includes("/cart"))!;
    assertEquals([headers.get("x-mine"), headers.get("authorization")], ["yes", null]);
    await until(() => at.received.some(({ url }) => url.endsWith("/healthy")), { message: "a health check" });
    assertEquals((await gateway.fetch("/moved")).headers.get("location"), "/there");
  });

  test("is told by check --live which right is missing, and the gateway's log points there", async () => {
    await using at = await stage();
    at.cluster.api.settings.authorize = (_verb, resource) => resource !== "pods/proxy";
    await using gateway = await startGateway({ config: at.config, args: ["--via-apiserver"] });
    assertEquals((await gateway.fetch("/")).status, 403);
    await until(() => gateway.stderr.some((line) => line.includes("may not allow pods/proxy")), { message: "the log" });
    const without = await runCommand(["check", gateway.configFile, "--live"]);
    assert(!without.stdout.includes("pods/proxy"), without.stdout);
    const { code, stdout } = await runCommand(["check", gateway.configFile, "--live", "--via-apiserver"]);
    assertEquals(code, 1);
    assertMatch(stdout, /may not get, create, update, patch, delete pods\/proxy in all namespaces/);
    assertMatch(stdout, /pods\/proxy/);
  });
});
