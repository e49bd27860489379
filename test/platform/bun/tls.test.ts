import { afterAll, describe, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { createApiClient } from "../../../src/kubernetes/api-client.ts";
import { noCredentials } from "../../../src/kubernetes/credentials.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { bunRuntime } from "../../../src/platform/bun/runtime.ts";
import type { ClientTls } from "../../../src/platform/tls.ts";
import { slices } from "../../helpers/scripted-apiserver.ts";

const signal = new AbortController().signal;
const pem = (name: string): string => readFileSync(join(import.meta.dir, "../../fixtures/tls", name), "utf8");
const servers: Bun.Server<undefined>[] = [];
afterAll(() => Promise.all(servers.map((server) => server.stop(true))));

/** An apiserver with that certificate, on a real socket. */
function serve(certificate: string, tls: object = {}, answer?: () => Response): string {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: pem(`${certificate}.crt`), key: pem(`${certificate}.key`), ...tls },
    fetch: () =>
      answer?.() ?? Response.json({ kind: "EndpointSliceList", metadata: { resourceVersion: "1" }, items: [] }),
  });
  servers.push(server);
  return `https://127.0.0.1:${server.port}`;
}

/** Lists from it, as the gateway would. */
function list(server: string, tls: Partial<ClientTls>) {
  const connection = {
    server,
    fetch: bunRuntime.clientFetch({ verify: true, ...tls }),
    credentials: noCredentials,
    files: [],
    refresh: async () => {},
  };
  return createApiClient({ connection, logger: silentLogger, clock: systemClock }).list(slices, {}, signal);
}

async function refused(server: string, tls: Partial<ClientTls>): Promise<string> {
  const error = (await assertRejects(() => list(server, tls), ApiError)) as ApiError;
  assertEquals(error.code, "unreachable");
  return error.message;
}

describe("an apiserver's certificate", () => {
  const ca = pem("ca.crt");

  test("is accepted when the given CA signed it", async () => {
    assertEquals((await list(serve("server"), { ca })).resourceVersion, "1");
  });

  test("of another CA is refused in words, and never trusted because of an earlier connection", async () => {
    const server = serve("server");
    await list(server, { ca });
    assertStringIncludes(await refused(server, { ca: pem("other-ca.crt") }), "certificate not signed by the given CA");
    assertStringIncludes(await refused(server, {}), "certificate not signed by the given CA");
  });

  test("is not looked at where verification is off", async () => {
    assertEquals((await list(serve("server"), { verify: false })).items, []);
    assertEquals((await list(serve("expired"), { verify: false })).items, []);
  });

  test("for other names is refused with the names it has, unless the name is given", async () => {
    const server = serve("other-names");
    assertStringIncludes(
      await refused(server, { ca }),
      "certificate is for other names: kubernetes, kubernetes.default.svc, not 127.0.0.1",
    );
    assertEquals((await list(server, { ca, serverName: "kubernetes" })).items, []);
    assertStringIncludes(await refused(server, { ca, serverName: "elsewhere" }), "not elsewhere");
  });

  test("that has expired is refused in words", async () => {
    assertStringIncludes(await refused(serve("expired"), { ca }), "certificate has expired");
  });
});

describe("a client certificate", () => {
  const ca = pem("ca.crt");
  const mutual = { ca, requestCert: true, rejectUnauthorized: true };

  test("is shown to an apiserver that asks for one", async () => {
    const server = serve("server", mutual);
    assertEquals((await list(server, { ca, cert: pem("client.crt"), key: pem("client.key") })).items, []);
  });

  test("that is missing is told of", async () => {
    assertStringIncludes(await refused(serve("server", mutual), { ca }), "TLS handshake failed");
  });

  test("that does not fit its key is told of", async () => {
    const message = await refused(serve("server", mutual), { ca, cert: pem("client.crt"), key: pem("server.key") });
    assertStringIncludes(message, "do they fit?");
  });
});

describe("the fetch for apiservers", () => {
  test("reads compressed lists", async () => {
    const body = JSON.stringify({ kind: "EndpointSliceList", metadata: { resourceVersion: "5" }, items: [] });
    const server = serve("server", {}, () => new Response(gzipSync(body), { headers: { "content-encoding": "gzip" } }));
    assertEquals((await list(server, { ca: pem("ca.crt") })).resourceVersion, "5");
  });

  test("follows no redirect: credentials go to the apiserver only", async () => {
    let elsewhere = 0;
    const target = serve("server", {}, () => {
      elsewhere++;
      return new Response();
    });
    const server = serve("server", {}, () => Response.redirect(`${target}/login`, 302));
    const error = (await assertRejects(() => list(server, { ca: pem("ca.crt") }), ApiError)) as ApiError;
    assertEquals([error.code, error.status, elsewhere], ["garbage", 302, 0]);
  });

  test("says that nobody listens there", async () => {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    await server.stop(true);
    assertStringIncludes(await refused(`http://127.0.0.1:${server.port}`, {}), "connection refused");
  });
});
