import { describe, test } from "bun:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { closedPort } from "../helpers/closed-port.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { clusterBlock, endpoints, oneCluster, slice } from "./objects.ts";
import { startPods } from "./pods.ts";
import { problemOf, serve } from "./support.ts";

/** What a client must never read: addresses, and names of services and clusters. */
const INNER = /127\.0\.0|10\.9\.9|secret-service|kubernetes|http:\/\//i;

describe("a request that cannot be served", () => {
  test("is answered in problem+json with a code, and nothing of the inside is in it", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(1);
    const closed = await closedPort();
    api.api.apply([
      slice("secret-service", [pods.all[0]!.ip], pods.port),
      slice("empty", [], 80),
      slice("unready", [{ addresses: ["10.9.9.9"], conditions: { ready: false } }], 80),
      slice("unreachable", ["127.0.0.1"], closed),
    ]);
    await using gateway = await serve(
      oneCluster(api, [
        { path: "/absent", service: "nothing-here" },
        { path: "/port", service: "secret-service:nope" },
        { path: "/empty", service: "empty" },
        { path: "/unready", service: "unready" },
        { path: "/unreachable", service: "unreachable" },
      ]),
    );
    const found: Record<string, string> = {};
    for (const path of ["/no", "/absent", "/port", "/empty", "/unready", "/unreachable"]) {
      const response = await gateway.fetch(path);
      const { status, code, detail } = await problemOf(response.clone());
      found[path] = `${status} ${code}`;
      assert(!INNER.test(await response.text()), detail);
    }
    assertEquals(found, {
      "/no": "404 no_route",
      "/absent": "503 service_unknown",
      "/port": "503 port_unknown",
      "/empty": "503 no_endpoints",
      "/unready": "503 no_endpoints",
      "/unreachable": "502 upstream_connect",
    });
    const body = await (await gateway.fetch("/no")).json();
    assertEquals([body.type, body.status, typeof body.title], ["urn:podway:problem:no_route", 404, "string"]);
    const head = await gateway.fetch("/empty", { method: "HEAD" });
    assertEquals([head.status, await head.text()], [503, ""]);
  });

  test("gets traffic again at the next event once a pod is ready", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(1);
    const { ip } = pods.all[0]!;
    api.api.apply(slice("web", [{ addresses: [ip], conditions: { ready: false } }], pods.port));
    await using gateway = await serve(oneCluster(api, [{ service: "web" }]));
    assertEquals((await gateway.fetch("/")).status, 503);
    api.api.apply(slice("web", [ip], pods.port));
    for (;;) {
      const response = await gateway.fetch("/");
      if (response.status === 200) break;
      assertEquals((await problemOf(response)).code, "no_endpoints");
    }
    api.api.remove("EndpointSlice", "default", "web-1");
    for (let status = 200; status !== 503; status = (await gateway.fetch("/")).status) assertEquals(status, 200);
  });

  test("because discovery is off is told so by the log of the start, and answered 503", async () => {
    await using gateway = await serve({ routes: [{ service: "a/b" }] });
    assertEquals((await problemOf(await gateway.fetch("/"))).code, "service_unknown");
    assertStringIncludes(gateway.stderr.join("\n"), "discovery is off");
    assertMatch((await gateway.admin("/v1/discovery/kubernetes/nodes?service=a/b")).reason, /discovery is off/);
    assertEquals((await gateway.admin("/v1/discovery/kubernetes/status")).clusters, []);
  });
});

describe("a cluster that does not answer", () => {
  test("keeps /readyz at 503 with its name and why; requests wait a bounded time, then get 503 not_synced", async () => {
    await using up = await serveEmbedded();
    await using pods = await startPods(1);
    up.api.apply(slice("web", [pods.all[0]!.ip], pods.port));
    const port = await closedPort();
    const down = { id: "down", service: { schema: "http", host: "127.0.0.1", port } };
    await using gateway = await serve({
      discovery: { kubernetes: [{ id: "up", ...clusterBlock(up) }, down] },
      routes: [
        { path: "/up", service: "up/default/web" },
        { path: "/down", service: "down/default/web", timeouts: { response: 100 } },
      ],
    });
    assertMatch(gateway.stdout[0]!, /^podway ready on .*\); waiting for down: .*connection refused/);
    assertMatch(
      gateway.stderr.join("\n"),
      /Listening on http:\/\/127\.0\.0\.1:\d+; waiting for the first list of up, down/,
    );
    const readyz = await fetch(`${gateway.adminUrl}/readyz`);
    assertEquals(readyz.status, 503);
    const { waiting } = (await readyz.json()) as { waiting: { id: string; state: string; reason: string }[] };
    assertEquals(
      waiting.map(({ id, state }) => [id, state]),
      [["down", "unreachable"]],
    );
    assertStringIncludes(waiting[0]!.reason, "connection refused");
    assertEquals((await gateway.fetch("/up")).status, 200);
    assertEquals((await problemOf(await gateway.fetch("/down"))).code, "not_synced");
    assertEquals((await fetch(`${gateway.adminUrl}/healthz`)).status, 200);
  });

  test("that is not required takes only its own routes down, and the gateway is ready at once", async () => {
    await using up = await serveEmbedded();
    await using pods = await startPods(1);
    up.api.apply(endpoints("web", [pods.all[0]!.ip], pods.port));
    const port = await closedPort();
    await using gateway = await serve({
      discovery: {
        kubernetes: [
          { id: "down", required: false, service: { schema: "http", host: "127.0.0.1", port } },
          { id: "up", ...clusterBlock(up, { watch_endpoint_slices: false }) },
        ],
      },
      routes: [
        { path: "/up", service: "default/web:http", cluster: "up" },
        { path: "/wins", service: "up/default/web:http", cluster: "down" },
        { path: "/down", service: "down/default/web:http", timeouts: { response: 50 } },
      ],
    });
    assert(!gateway.stdout[0]!.includes("waiting for"), "nothing waits for the one that is not required");
    assertEquals((await fetch(`${gateway.adminUrl}/readyz`)).status, 200);
    assertEquals([(await gateway.fetch("/up")).status, (await gateway.fetch("/wins")).status], [200, 200]);
    assertEquals((await problemOf(await gateway.fetch("/down"))).code, "not_synced");
    const { clusters } = await gateway.admin("/v1/discovery/kubernetes/status");
    assertEquals(
      clusters.map(({ id, state, required }: { id: string; state: string; required: boolean }) => [
        id,
        state,
        required,
      ]),
      [
        ["down", "unreachable", false],
        ["up", "watching", true],
      ],
    );
    assertStringIncludes(clusters[0].lastError, "connection refused");
  });
});
