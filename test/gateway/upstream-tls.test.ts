import { afterAll, beforeAll, describe, test } from "bun:test";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Authority, type CertificateFiles, createAuthority } from "../helpers/certificates.ts";
import { until } from "../helpers/wait.ts";
import { rawRequest } from "../proxy/helpers.ts";
import { logged, problemOf, type ServedGateway, serve } from "./support.ts";

let trusted: Authority;
let stranger: Authority;
let certificate: CertificateFiles;
const servers: Bun.Server<undefined>[] = [];

beforeAll(async () => {
  [trusted, stranger] = await Promise.all([createAuthority("trusted"), createAuthority("stranger")]);
  certificate = await trusted.issue("pod", ["DNS:app.internal"]);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop(true)));
  await Promise.all([trusted, stranger].map((authority) => authority[Symbol.asyncDispose]()));
});

/** A pod that speaks https. It answers with its name. */
async function pod(name: string, files: CertificateFiles, options: object = {}) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: await Bun.file(files.cert).text(), key: await Bun.file(files.key).text(), ...options },
    fetch(request) {
      const { pathname } = new URL(request.url);
      return new Response(request.method === "POST" ? request.body : pathname.startsWith("//") ? pathname : name);
    },
  });
  servers.push(server);
  return { host: "127.0.0.1", port: server.port };
}

const route = (node: object, upstream_tls?: object, more: object = {}) => ({
  routes: [{ nodes: [node], scheme: "https", ...(upstream_tls && { upstream_tls }), ...more }],
});

const answer = async (gateway: ServedGateway): Promise<string> => {
  const response = await gateway.fetch("/");
  return response.ok ? response.text() : (await problemOf(response)).code;
};

describe("an upstream with https", () => {
  test("is reached with the authority and the name the route gives", async () => {
    const node = await pod("secret", certificate);
    const tls = { ca_file: trusted.ca, server_name: "app.internal" };
    await using gateway = await serve(route(node, tls));
    assertEquals(await answer(gateway), "secret");
    const body = "x".repeat(100_000);
    assertEquals(await (await gateway.fetch("/", { method: "POST", body })).text(), body);
  });

  test("gets a path that begins with two slashes as it was sent", async () => {
    await using gateway = await serve(route(await pod("secret", certificate), { verify: false }));
    const head = "GET //two/slashes HTTP/1.1\r\nHost: shop.test\r\n\r\n";
    assertStringIncludes(await rawRequest(Number(new URL(gateway.url).port), head), "\r\n\r\n//two/slashes");
  });

  const refused: readonly (readonly [string, () => object | undefined])[] = [
    ["signed by a stranger", () => ({ ca_file: stranger.ca, server_name: "app.internal" })],
    ["of another name", () => ({ ca_file: trusted.ca, server_name: "other.internal" })],
    ["of no name the address has", () => ({ ca_file: trusted.ca })],
    ["that the system does not trust", () => undefined],
  ];
  test.each([...refused])(
    "is refused with a certificate %s: 502, and the reason is in the log alone",
    async (_what, tls) => {
      await using gateway = await serve(route(await pod("secret", certificate), tls()));
      const { status, code, detail } = await problemOf(await gateway.fetch("/"));
      assertEquals([status, code], [502, "upstream_connect"]);
      assert(!/127\.0\.0\.1|certificate/.test(detail), detail);
      assertStringIncludes(await logged(gateway, "A pod did not answer"), "certificate");
    },
  );

  test("is not checked where verify is false", async () => {
    await using gateway = await serve(route(await pod("any", certificate), { verify: false }));
    assertEquals(await answer(gateway), "any");
  });

  test("gets the route's client certificate, and nobody else's", async () => {
    const own = await trusted.issue("gateway", ["DNS:gateway.internal"]);
    const ca = await Bun.file(trusted.ca).text();
    const node = await pod("for members", certificate, { requestCert: true, rejectUnauthorized: true, ca });
    const tls = { ca_file: trusted.ca, server_name: "app.internal" };
    const member = { ...tls, cert_file: own.cert, key_file: own.key };
    const routes = [
      { path: "/member", nodes: [node], scheme: "https", upstream_tls: member },
      { path: "/guest", nodes: [node], scheme: "https", upstream_tls: tls },
    ];
    await using gateway = await serve({ routes });
    assertEquals(await (await gateway.fetch("/member")).text(), "for members");
    assertEquals((await gateway.fetch("/guest")).status, 502);
    assertEquals((await gateway.fetch("/member")).status, 200);
  });

  test("is probed by health checks with the route's trust", async () => {
    const node = await pod("healthy", certificate);
    const active = { path: "/", interval: 100, unhealthy: 1 };
    const tls = { ca_file: stranger.ca, server_name: "app.internal" };
    await using gateway = await serve(route(node, tls, { health: { active } }));
    await logged(gateway, "health checks fail");
    await gateway.writeConfig(route(node, { ...tls, ca_file: trusted.ca }, { health: { active } }));
    await logged(gateway, "is in force");
    assertEquals(await answer(gateway), "healthy");
  });
});

describe("the files of upstream_tls", () => {
  test("that cannot be read fail the requests of their route alone, until they are there", async () => {
    const node = await pod("secret", certificate);
    const late = join(trusted.folder, "late.crt");
    const tls = { ca_file: late, server_name: "app.internal" };
    const routes = [
      { path: "/secret", nodes: [node], scheme: "https", upstream_tls: tls },
      { path: "/other", nodes: [node], scheme: "https", upstream_tls: { verify: false } },
    ];
    await using gateway = await serve({ routes });
    assertEquals((await problemOf(await gateway.fetch("/secret"))).code, "upstream_connect");
    assertStringIncludes(await logged(gateway, "late.crt"), "there is no such file");
    assertEquals((await gateway.fetch("/other")).status, 200);
    await copyFile(trusted.ca, late);
    assertEquals((await gateway.fetch("/secret")).status, 200);
  });

  test("are read again when they change, and stay as they were while they make no sense", async () => {
    const [old, young] = [
      await trusted.issue("client-old", ["DNS:gateway.internal"]),
      await stranger.issue("client-young", ["DNS:gateway.internal"]),
    ];
    const live = { cert: join(trusted.folder, "client.crt"), key: join(trusted.folder, "client.key") };
    await copyFile(old.cert, live.cert);
    await copyFile(old.key, live.key);
    const demands = async (authority: Authority, name: string) => {
      const ca = await Bun.file(authority.ca).text();
      return pod(name, certificate, { requestCert: true, rejectUnauthorized: true, ca });
    };
    const tls = { ca_file: trusted.ca, server_name: "app.internal", cert_file: live.cert, key_file: live.key };
    const to = async (authority: Authority, path: string) => ({
      path,
      nodes: [await demands(authority, path)],
      scheme: "https",
      upstream_tls: tls,
      health: { passive: false },
    });
    await using gateway = await serve({ routes: [await to(trusted, "/old"), await to(stranger, "/young")] });
    const statuses = async () => [(await gateway.fetch("/old")).status, (await gateway.fetch("/young")).status];
    assertEquals(await statuses(), [200, 502]);

    await writeFile(live.cert, "nonsense");
    await logged(gateway, "client.crt holds no certificate in PEM; what was read before stays in force");
    assertEquals(await statuses(), [200, 502]);

    await copyFile(young.key, live.key);
    await copyFile(young.cert, live.cert);
    await until(async () => (await statuses()).join() === "502,200", { message: "the new certificate is used" });
  });
});
