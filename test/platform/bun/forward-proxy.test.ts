import { describe, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { assertEquals, assertMatch } from "@std/assert";
import { slice } from "../../discovery/support.ts";
import { serveEmbedded } from "../../helpers/embedded.ts";
import { runCommand, startGateway } from "../../helpers/gateway-process.ts";
import { until } from "../../helpers/wait.ts";

const pem = (name: string): string => readFileSync(join(import.meta.dir, "../../fixtures/tls", name), "utf8");

/** A forward proxy on a socket that leads every name to this machine, and keeps what it was asked for. */
async function forwardProxy() {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, out) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const { port, pathname, search } = new URL(incoming.url!);
    const { method, headers } = incoming;
    const outgoing = request({ host: "127.0.0.1", port, path: pathname + search, method, headers }, (answer) => {
      out.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(out);
    });
    outgoing.on("error", () => out.destroy());
    out.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.on("connect", (incoming, client: Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    const upstream = connect(Number(incoming.url!.split(":")[1]), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      client.pipe(upstream).pipe(client);
    });
    for (const socket of [client, upstream]) sockets.add(socket.on("error", () => socket.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const env = { HTTP_PROXY: url, HTTPS_PROXY: url, http_proxy: url, https_proxy: url, NO_PROXY: "", no_proxy: "" };
  return {
    url,
    asked,
    env,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const NO_ADMIN = { server: { listen: "127.0.0.1:0" }, admin: { listen: "127.0.0.1:0" } };

describe("a forward proxy of the environment", () => {
  test("gets no request to this machine: not for the apiserver, pods, their health checks or the commands", async () => {
    await using proxy = await forwardProxy();
    await using api = await serveEmbedded();
    const probed: string[] = [];
    await using pod = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        probed.push(new URL(request.url).pathname);
        return new Response("pod");
      },
    });
    const config = {
      ...NO_ADMIN,
      discovery: {
        kubernetes: {
          service: { schema: "http", host: "127.0.0.1", port: Number(new URL(api.url).port) },
          client: { token: "t" },
          watch_endpoint_slices: true,
        },
      },
      routes: [
        {
          path: "/",
          nodes: [{ host: "127.0.0.1", port: pod.port }],
          health: { active: { path: "/healthz", interval: 100 } },
        },
      ],
    };
    await using gateway = await startGateway({ config, env: proxy.env });
    assertEquals(await (await gateway.fetch("/x")).text(), "pod");
    await until(() => probed.includes("/healthz"), { message: "the pod's health is asked for" });
    const ask = (...args: string[]) => runCommand([...args, "--admin", gateway.adminUrl], proxy.env);
    assertEquals((await ask("health", "--ready")).code, 0);
    assertEquals((await ask("explain", "/x")).code, 0);
    assertMatch((await ask("nodes", "default/nothing")).stderr, /no EndpointSlice/);
    assertEquals(proxy.asked, []);
  }, 30_000);

  test("carries the requests to an apiserver that is elsewhere, and its watch", async () => {
    await using proxy = await forwardProxy();
    await using api = await serveEmbedded();
    api.api.apply([slice("web-a", [{ addresses: ["10.0.0.1"] }])]);
    const kubernetes = {
      service: { schema: "http", host: "apiserver.test", port: Number(new URL(api.url).port) },
      client: { token: "t" },
      watch_endpoint_slices: true,
    };
    await using gateway = await startGateway({
      config: { ...NO_ADMIN, discovery: { kubernetes }, routes: [] },
      env: proxy.env,
    });
    const nodes = async () =>
      (await (await gateway.admin("/v1/discovery/kubernetes/nodes?service=default/web")).json()) as {
        nodes: { host: string }[];
      };
    assertEquals(
      (await nodes()).nodes.map(({ host }) => host),
      ["10.0.0.1"],
    );
    api.api.apply([slice("web-a", [{ addresses: ["10.0.0.2"] }])]);
    await until(async () => (await nodes()).nodes[0]?.host === "10.0.0.2", {
      message: "the watch goes through it too",
    });
    assertEquals(
      proxy.asked.every((line) => line.includes("apiserver.test")),
      true,
    );
  }, 30_000);
});

test("service.proxy carries TLS to the apiserver, whose certificate is still checked", async () => {
  await using proxy = await forwardProxy();
  let answered = 0;
  await using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: pem("server.crt"), key: pem("server.key") },
    fetch() {
      answered++;
      return Response.json({ kind: "EndpointsList", metadata: { resourceVersion: "1" }, items: [] });
    },
  });
  const service = {
    host: "apiserver.test",
    port: server.port,
    proxy: proxy.url,
    ca_file: join(import.meta.dir, "../../fixtures/tls/ca.crt"),
  };
  const config = (more: object) => ({
    ...NO_ADMIN,
    discovery: { kubernetes: { service: { ...service, ...more }, client: { token: "t" }, mode: "poll" } },
    routes: [],
  });
  await using gateway = await startGateway({ config: config({ server_name: "127.0.0.1" }) });
  assertEquals(answered > 0, true);
  assertMatch(proxy.asked[0]!, /^CONNECT apiserver\.test:/);
  await using refused = await startGateway({ config: config({}), timeout: 20_000 });
  const status = (await (await refused.admin("/v1/discovery/kubernetes/status")).json()) as {
    clusters: { lastError: string }[];
  };
  assertMatch(status.clusters[0]!.lastError, /certificate is for other names/);
  assertEquals((await gateway.admin("/healthz")).status, 200);
}, 60_000);
