import { afterAll, beforeAll, describe, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createAuthority } from "../helpers/certificates.ts";
import type { GatewayProcess } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { startOnDeno } from "./deno.ts";
import { createStage, type Stage, stageConfig } from "./stage.ts";

const TLS = join(import.meta.dir, "../fixtures/tls");
const tls = (name: string): string => join(TLS, name);

const LISTEN = { server: { listen: "127.0.0.1:0" }, admin: { listen: "127.0.0.1:0" } };

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
const status = async (gateway: GatewayProcess): Promise<any> =>
  ((await (await gateway.admin("/v1/discovery/kubernetes/status")).json()) as { clusters: object[] }).clusters[0];

describe("the gateway on Deno", () => {
  let stage: Stage;
  let secure: ReturnType<typeof Bun.serve>;
  beforeAll(async () => {
    stage = await createStage();
    secure = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      tls: {
        cert: Bun.file(tls("server.crt")),
        key: Bun.file(tls("server.key")),
        ca: Bun.file(tls("ca.crt")),
        requestCert: true,
        rejectUnauthorized: true,
      },
      fetch: (request) => stage.api.api.fetch(request),
    });
  });
  afterAll(async () => {
    await secure.stop(true);
    await stage[Symbol.asyncDispose]();
  });

  const withService = (service: object, client: object = {}, more: object = {}): object => {
    const address = { schema: "https", host: "127.0.0.1", port: secure.port };
    return stageConfig(stage, { service: { ...address, ...service }, client, ...more }, LISTEN);
  };
  const identity = { cert_file: tls("client.crt"), key_file: tls("client.key") };

  test("watches an apiserver whose CA is named, with a client certificate, by Deno's own client", async () => {
    await using gateway = await startOnDeno({ config: withService({ ca_file: tls("ca.crt") }, identity) });
    assertEquals((await gateway.fetch("/v1/x")).status, 200);
    // The listener of this test sends the head of a stream with its first event.
    let turn = 0;
    const watching = async () => {
      stage.setPods(stage.pods.addresses.slice(turn++ % 2));
      return (await status(gateway)).state === "watching";
    };
    await until(watching, { message: "the watch" });
    stage.setPods(stage.pods.addresses);
  });

  test.each([
    ["another CA", { ca_file: tls("other-ca.crt") }, identity, /certificate/i],
    ["no client certificate", { ca_file: tls("ca.crt") }, {}, /certificate|handshake|error sending/i],
    ["ssl_verify: false, which Deno has not", { ssl_verify: false }, identity, /name the CA that signed it/],
    ["server_name, which Deno has not", { ca_file: tls("ca.crt"), server_name: "x" }, identity, /server_name is not/],
  ] as const)("says what is wrong with %s", async (_what, service, client, words) => {
    await using gateway = await startOnDeno({ config: withService(service, client, { required: false }) });
    const failed = async () => (await status(gateway)).lastError as string | null;
    const lastError = await until(failed, { message: "the error" });
    assert(words.test(lastError), lastError);
  });

  test("a changed config is in force within a second; SIGTERM ends it with 0", async () => {
    const gateway = await startOnDeno({ config: stageConfig(stage, {}, LISTEN) });
    assertEquals((await gateway.fetch("/new/x")).status, 404);
    const text = await readFile(gateway.configFile, "utf8");
    await writeFile(gateway.configFile, text.replace('"/plain"', '"/new"'));
    const started = performance.now();
    await until(async () => (await gateway.fetch("/new/x")).status === 200, { message: "the new route" });
    assert(performance.now() - started < 1000, "it took more than a second");
    await writeFile(gateway.configFile, "routes: [");
    await until(() => gateway.stderr.some((line) => line.includes("stays in force")), { message: "the refusal" });
    assertEquals((await gateway.fetch("/new/x")).status, 200);
    assertEquals(await gateway.stop(), 0);
  });

  test("SIGTERM ends open streams and WebSockets at the end of the drain, with 0", async () => {
    const server = { ...LISTEN.server, drain: 500 };
    const gateway = await startOnDeno({ config: stageConfig(stage, {}, { ...LISTEN, server }) });
    const stream = await gateway.fetch("/v1/sse");
    await stream.body!.getReader().read();
    const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/ws`);
    await until(() => socket.readyState === WebSocket.OPEN, { message: "an open WebSocket" });
    const started = performance.now();
    assertEquals(await gateway.stop(), 0);
    const took = performance.now() - started;
    assert(took >= 500 && took < 3000, `it took ${took} ms`);
    await until(() => socket.readyState === WebSocket.CLOSED, { message: "the WebSocket's end" });
  });

  test("a kubeconfig's exec plugin runs with `gateway:all`, and is refused in words without the right to", async () => {
    const apiVersion = "client.authentication.k8s.io/v1";
    const credential = JSON.stringify({ apiVersion, kind: "ExecCredential", status: { token: "from-the-plugin" } });
    const exec = { apiVersion, command: "echo", args: [credential], interactiveMode: "Never" };
    const kubeconfig = JSON.stringify({
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      clusters: [{ name: "c", cluster: { server: stage.api.url } }],
      users: [{ name: "u", user: { exec } }],
    });
    const files = { kubeconfig };
    const { routes } = stageConfig(stage) as { routes: object[] };
    const kubernetes = { client: { kubeconfig: "kubeconfig" }, watch_endpoint_slices: true, required: false };
    const config = { discovery: { kubernetes }, routes, ...LISTEN };
    await using gateway = await startOnDeno({ config, files }, "gateway:all");
    assertEquals((await gateway.fetch("/v1/x")).status, 200);
    const sent = stage.api.api.requests.at(-1)?.headers.get("authorization");
    assertEquals(sent, "Bearer from-the-plugin");

    await using narrow = await startOnDeno({ config, files });
    const failed = async () => (await status(narrow)).lastError as string | null;
    assertStringIncludes(await until(failed, { message: "the error" }), "--allow-run");
  });

  test("listens with TLS, and goes over to a renewed certificate", async () => {
    await using authority = await createAuthority();
    const first = await authority.issue("first", ["DNS:localhost", "IP:127.0.0.1"]);
    const second = await authority.issue("second", ["DNS:localhost", "IP:127.0.0.1"]);
    const live = { cert: join(authority.folder, "live.crt"), key: join(authority.folder, "live.key") };
    const put = async ({ cert, key }: { cert: string; key: string }): Promise<void> => {
      await writeFile(live.key, await readFile(key));
      await writeFile(live.cert, await readFile(cert));
    };
    await put(first);
    const server = { listen: "127.0.0.1:0", tls: { cert_file: live.cert, key_file: live.key } };
    await using gateway = await startOnDeno({ config: stageConfig(stage, {}, { ...LISTEN, server }) });
    assertStringIncludes(gateway.url, "https://");
    const ca = await readFile(authority.ca, "utf8");
    const ask = (): Promise<Response> => fetch(`${gateway.url}/v1/x`, { tls: { ca }, keepalive: false });
    const seen = (await (await ask()).json()) as { headers: Record<string, string> };
    assertEquals(seen.headers["x-forwarded-proto"], "https");
    const { hostname: host, port } = new URL(gateway.url);
    const kept = connectTls({ host, port: Number(port), ca, servername: "localhost" });
    let answers = 0;
    kept.on("data", (bytes: Buffer) => {
      answers += bytes.toString("latin1").split("HTTP/1.1 200").length - 1;
    });
    kept.on("error", () => {});
    const again = async (): Promise<void> => {
      const before = answers;
      kept.write("GET /v1/x HTTP/1.1\r\nhost: gateway.test\r\n\r\n");
      await until(() => answers > before, { message: `an answer on the kept connection, closed: ${kept.closed}` });
    };
    await again();
    await put(second);
    await until(() => gateway.stderr.some((line) => line.includes("certificates are in force")), {
      message: "the renewal",
    });
    // A client that is at work is not cut off: its next answer is the last of its connection.
    await again();
    assertEquals((await ask()).status, 200);
    kept.destroy();
  });

  test("keeps a snapshot file with `gateway:all`, and serves from it when the apiserver is away", async () => {
    const folder = await createAuthority();
    const file = join(folder.folder, "snapshot");
    const first = await startOnDeno({ config: stageConfig(stage, { snapshot_file: file }, LISTEN) }, "gateway:all");
    assertEquals((await first.fetch("/v1/x")).status, 200);
    await first.stop();
    assertStringIncludes(await readFile(file, "utf8"), "podway snapshot");
    const undo = stage.api.api.faults.add({ effect: { kind: "drop" } });
    try {
      await using second = await startOnDeno(
        { config: stageConfig(stage, { snapshot_file: file }, LISTEN) },
        "gateway:all",
      );
      assertEquals((await second.fetch("/v1/x")).status, 200);
    } finally {
      undo();
      await folder[Symbol.asyncDispose]();
    }
  });
});
