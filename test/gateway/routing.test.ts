import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { serveEmbedded } from "../helpers/embedded.ts";
import { oneCluster, slice } from "./objects.ts";
import { startPods } from "./pods.ts";
import { serve } from "./support.ts";

describe("a request", () => {
  test("goes to the service of the route that matches its host, method and path", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(4);
    const { port } = pods;
    const [one, two, three, four] = pods.all.map(({ ip }) => ip) as [string, string, string, string];
    api.api.apply([
      slice("web", [one], port),
      slice("shop/cart", [two], port),
      slice("shop/admin", [three], port),
      slice("other", [four], port),
    ]);
    await using gateway = await serve(
      oneCluster(api, [
        { id: "exact", path: { exact: "/v1/only" }, service: "default/other:http" },
        { id: "prefix", path: "/v1", strip_prefix: "/v1", service: "web" },
        { id: "cart", hosts: ["cart.test", "*.cart.test"], service: "shop/cart" },
        { id: "post", path: "/admin", methods: ["POST"], service: "admin", namespace: "shop" },
      ]),
    );
    const ask = async (path: string, init: RequestInit = {}): Promise<string> => {
      const response = await gateway.fetch(path, init);
      return response.ok ? await response.text() : `${response.status}`;
    };
    const host = (name: string): RequestInit => ({ headers: { host: name } });
    assertEquals(
      {
        exact: await ask("/v1/only"),
        prefix: await ask("/v1/only/more?q=1"),
        bare: await ask("/v1"),
        halfSegment: await ask("/v1x"),
        host: await ask("/", host("CART.test:81")),
        wildcard: await ask("/", host("a.cart.test")),
        deeper: await ask("/", host("cart.test.example")),
        post: await ask("/admin", { method: "POST" }),
        get: await ask("/admin"),
      },
      {
        exact: "pod-4",
        prefix: "pod-1",
        bare: "pod-1",
        halfSegment: "404",
        host: "pod-2",
        wildcard: "pod-2",
        deeper: "404",
        post: "pod-3",
        get: "404",
      },
    );
    assertEquals(
      pods.all[0]!.received.map(({ target }) => target),
      ["/only/more?q=1", "/"],
    );
  });

  test("is spread over a service's pods in turn, and over several services by weight", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(3);
    const [one, two, three] = pods.all.map(({ ip }) => ip) as [string, string, string];
    api.api.apply([slice("old", [one, two], pods.port), slice("new", [three], pods.port)]);
    await using gateway = await serve(
      oneCluster(api, [
        { path: "/turn", service: "old" },
        {
          path: "/split",
          services: [
            { service: "old", weight: 3 },
            { service: "new", weight: 1 },
          ],
        },
      ]),
    );
    const counts = async (path: string, requests: number): Promise<Record<string, number>> => {
      const found: Record<string, number> = {};
      for (let sent = 0; sent < requests; sent++) {
        const pod = await (await gateway.fetch(path)).text();
        found[pod] = (found[pod] ?? 0) + 1;
      }
      return found;
    };
    assertEquals(await counts("/turn", 10), { "pod-1": 5, "pod-2": 5 });
    const split = await counts("/split", 40);
    assertEquals(split["pod-3"], 10);
    assertEquals(split["pod-1"], 15);
  });

  test("reaches static nodes where a route names them, without any cluster", async () => {
    await using pods = await startPods(2);
    const nodes = pods.all.map(({ ip, port }, index) => ({ host: ip, port, weight: index === 0 ? 3 : 1 }));
    await using gateway = await serve({ routes: [{ nodes }] });
    const answers = await Promise.all(Array.from({ length: 8 }, async () => (await gateway.fetch("/")).text()));
    assertEquals(answers.filter((pod) => pod === "pod-1").length, 6);
    assertEquals((await gateway.admin("/readyz")).ready, true);
  });

  test("chooses the port by the route's scheme, by port_name, or by the reference", async () => {
    await using api = await serveEmbedded();
    await using first = await startPods(1, { name: "metrics" });
    await using second = await startPods(1, { name: "http" });
    await using socket = await startPods(1, { name: "ws" });
    api.api.apply(
      slice(
        "web",
        [first.all[0]!.ip],
        [
          { name: "metrics", port: first.port },
          { name: "http", port: second.port },
          { name: "ws", port: socket.port },
        ],
      ),
    );
    await using gateway = await serve(
      oneCluster(api, [
        { path: "/first", service: "default/web" },
        { path: "/scheme", service: "default/web", scheme: "http" },
        { path: "/ws", service: "default/web", scheme: "ws" },
        { path: "/wss", service: "default/web", scheme: "ws", port_name: "http" },
        { path: "/named", service: "default/web", port_name: "http" },
        { path: "/name", service: "default/web:http" },
        { path: "/number", service: `default/web:${second.port}` },
      ]),
    );
    const answers: string[] = [];
    for (const path of ["/first", "/scheme", "/ws", "/wss", "/named", "/name", "/number"]) {
      answers.push((await (await gateway.fetch(path)).text()).replace(/-1$/, ""));
    }
    assertEquals(answers, ["metrics", "http", "ws", "http", "http", "http", "http"]);
  });

  test("keeps its body and loses its one-hop headers; the answer likewise, and a redirect stays a redirect", async () => {
    await using pods = await startPods(1, {
      answer: async (request) =>
        new Response(await request.text(), {
          status: 307,
          headers: {
            location: "http://elsewhere.test/a",
            "x-hop": "1",
            connection: "x-hop",
            "keep-alive": "timeout=5",
            "x-kept": "yes",
          },
        }),
    });
    const { ip: host, port } = pods.all[0]!;
    await using gateway = await serve({ routes: [{ nodes: [{ host, port }] }] });
    const response = await gateway.fetch("/login", {
      method: "POST",
      body: "grüße",
      headers: { connection: "x-secret-hop", "x-secret-hop": "1", te: "trailers", "x-through": "2" },
    });
    assertEquals([response.status, response.headers.get("location")], [307, "http://elsewhere.test/a"]);
    assertEquals(await response.text(), "grüße");
    assertEquals(response.headers.get("x-kept"), "yes");
    assertEquals([response.headers.get("x-hop"), response.headers.get("keep-alive")], [null, null]);
    assertEquals(pods.received.length, 1);
    const { headers } = pods.received[0]!;
    assertEquals([headers.get("x-through"), headers.get("x-secret-hop"), headers.get("te")], ["2", null, null]);
    assertEquals(headers.get("x-forwarded-for"), "127.0.0.1");
  });

  test("is streamed both ways: the client reads the first words before the pod wrote the last", async () => {
    const more = Promise.withResolvers<void>();
    const encoder = new TextEncoder();
    const body = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        async start(out) {
          out.enqueue(encoder.encode("first"));
          await more.promise;
          out.enqueue(encoder.encode(" last"));
          out.close();
        },
      });
    await using pods = await startPods(1, { answer: () => new Response(body()) });
    const { ip: host, port } = pods.all[0]!;
    await using gateway = await serve({ routes: [{ nodes: [{ host, port }] }] });
    const reader = (await gateway.fetch("/")).body!.pipeThrough(new TextDecoderStream()).getReader();
    assertEquals((await reader.read()).value, "first");
    more.resolve();
    let rest = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
    assertEquals(rest, " last");
  });

  test("whose first pod cannot be reached is answered by another one, POST and body too", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2, {
      answer: async (request, pod) => new Response(`${pod} ${await request.text()}`),
    });
    const [gone, there] = pods.all as [(typeof pods.all)[0], (typeof pods.all)[0]];
    api.api.apply(slice("web", [gone.ip, there.ip], pods.port));
    await gone.stop();
    await using gateway = await serve(oneCluster(api, [{ service: "web" }]));
    for (let sent = 0; sent < 4; sent++) {
      const response = await gateway.fetch("/", { method: "POST", body: "order" });
      assertEquals([response.status, await response.text()], [200, "pod-2 order"]);
    }
    assertEquals(there.received.length, 4);
    await gateway.stop();
    const tries = gateway.stdout.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line).tries);
    assertEquals([tries.length, tries.includes(2), Math.max(...tries)], [4, true, 2]);
  });
});
