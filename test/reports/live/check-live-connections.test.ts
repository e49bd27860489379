import { describe, test } from "bun:test";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { clusterBlock, oneCluster } from "../../gateway/objects.ts";
import { closedPort } from "../../helpers/closed-port.ts";
import { serveEmbedded } from "../../helpers/embedded.ts";
import { api, type Checked, checkLive, folder, jwt, only, withApiserver } from "./checking.ts";

withApiserver();

/** A server in front of the embedded one that changes its answers, or has answers of its own. */
async function front<T>(
  answer: (request: Request) => Response | Promise<Response>,
  tls: { cert: string; key: string } | undefined,
  use: (server: { port: number; schema: "http" | "https" }) => Promise<T>,
): Promise<T> {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, ...(tls && { tls }), fetch: answer });
  try {
    return await use({ port: server.port!, schema: tls === undefined ? "http" : "https" });
  } finally {
    await server.stop(true);
  }
}

const pem = (name: string): Promise<string> => readFile(join(import.meta.dir, "../../fixtures/tls", name), "utf8");
const caFile = (name: string): string => join(import.meta.dir, "../../fixtures/tls", name);

describe("check --live of credentials and certificates", () => {
  const cases = [
    { fault: "wrong CA", certificate: "server", ca: "other-ca.crt", says: "certificate not signed by the given CA" },
    {
      fault: "wrong name",
      certificate: "other-names",
      ca: "ca.crt",
      says: "certificate is for other names: kubernetes",
    },
    { fault: "expired", certificate: "expired", ca: "ca.crt", says: "certificate has expired" },
  ];
  test.each(cases)("names the certificate's fault: $fault", async ({ certificate, ca, says }) => {
    const tls = { cert: await pem(`${certificate}.crt`), key: await pem(`${certificate}.key`) };
    await front(
      (request) => api.api.fetch(request),
      tls,
      async ({ port }) => {
        const kubernetes = { service: { host: "127.0.0.1", port, ca_file: caFile(ca) }, client: { token: "t" } };
        const found = await checkLive({ discovery: { kubernetes }, routes: [] });
        assertEquals([found.code, only(found).tls], [1, null]);
        assertStringIncludes(only(found).faults.join("\n"), `cannot be reached: ${says}`);
      },
    );
  });

  test("tells a good certificate from one that nobody verified", async () => {
    const tls = { cert: await pem("server.crt"), key: await pem("server.key") };
    await front(
      (request) => api.api.fetch(request),
      tls,
      async ({ port }) => {
        const block = (more: object): object => ({
          discovery: {
            kubernetes: {
              service: { host: "127.0.0.1", port, ...more },
              watch_endpoint_slices: true,
              client: { token: "t" },
            },
          },
        });
        const good = await checkLive(block({ ca_file: caFile("ca.crt") }));
        assertEquals([good.code, only(good).tls, only(good).warnings], [0, "verified", []]);
        const open = await checkLive(block({ ssl_verify: false }));
        assertEquals([open.code, only(open).tls], [0, "not_verified"]);
        assertMatch(only(open).warnings.join("\n"), /not verified/);
      },
    );
  });

  test("says when a token ends, and that it has, without showing it", async () => {
    const now = Math.floor(Date.now() / 1000);
    const ended = await checkLive(oneCluster(api, [], { client: { token: jwt({ exp: now - 60 }) } }));
    assertEquals(ended.code, 1);
    assertMatch(only(ended).faults.join("\n"), /its token ended on 20/);
    const soon = await checkLive(oneCluster(api, [], { client: { token: jwt({ exp: now + 600 }) } }));
    assertEquals([soon.code, only(soon).tokenExpires], [0, new Date((now + 600) * 1000).toISOString()]);
    assertMatch(only(soon).warnings.join("\n"), /client.token ends on .* and is never read anew/);
    assertEquals(/LEAK/.test(ended.text + ended.stderr + soon.text + JSON.stringify([ended.live, soon.live])), false);
  });

  test("says that the credentials are not accepted", async () => {
    await using strict = await serveEmbedded({ requireToken: "another" });
    const found = await checkLive(oneCluster(strict, [], { client: { token: "LEAK" } }));
    assertEquals([found.code, only(found).faults], [1, ["it does not accept the credentials (401)"]]);
  });

  test("warns of a clock that is far from this machine's", async () => {
    const later = new Date(Date.now() + 600_000).toUTCString();
    await front(
      async (request) => {
        const answer = await api.api.fetch(request);
        answer.headers.set("date", later);
        return answer;
      },
      undefined,
      async (server) => {
        const kubernetes = {
          service: { ...server, host: "127.0.0.1" },
          watch_endpoint_slices: true,
          client: { token: "t" },
        };
        const found = await checkLive({ discovery: { kubernetes } });
        assert(Math.abs(only(found).clockAhead! - 600) <= 1);
        assertMatch(only(found).warnings.join("\n"), /its clock is (600|599) s ahead of this machine's/);
      },
    );
  });

  test("tells what became of a kubeconfig's exec plugin, and does not wait for one that hangs", async () => {
    const plugin = join(folder, "plugin.sh");
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(plugin, '#!/bin/sh\nif [ "$1" = hang ]; then exec sleep 60; fi\necho "no login" >&2\nexit 7\n');
    await chmod(plugin, 0o755);
    const withPlugin = async (...args: string[]): Promise<Checked> => {
      const exec = { apiVersion: "client.authentication.k8s.io/v1", command: plugin, args, interactiveMode: "Never" };
      await writeFile(
        kubeconfig,
        JSON.stringify({
          "current-context": "c",
          contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
          clusters: [{ name: "k", cluster: { server: api.url } }],
          users: [{ name: "u", user: { exec } }],
        }),
      );
      return await checkLive({ discovery: { kubernetes: { client: { kubeconfig } } } }, "--timeout", "1");
    };
    const failed = await withPlugin();
    assertEquals(failed.code, 1);
    assertMatch(
      only(failed).faults.join("\n"),
      /no credentials: exec plugin .*plugin\.sh ended with exit code 7: no login/,
    );
    const hung = await withPlugin("hang");
    assertMatch(only(hung).faults.join("\n"), /no credentials: no answer within 1 s/);
  });

  test("says of a server without EndpointSlices what to set", async () => {
    await using old = await serveEmbedded({ sliceVersions: [] });
    assertMatch(
      only(await checkLive(oneCluster(old, []))).faults.join("\n"),
      /no EndpointSlices.*watch_endpoint_slices to false/,
    );
    await using middle = await serveEmbedded({ sliceVersions: ["v1beta1"] });
    const found = await checkLive(oneCluster(middle, []));
    assertEquals([found.code, only(found).slices], [0, ["v1beta1"]]);
  });
});

describe("check --live of several clusters", () => {
  test("is not held up by one that is down, nor by one that never answers", async () => {
    await front(
      () => new Promise<Response>(() => {}),
      undefined,
      async (silent) => {
        const block = (id: string, port: number): object => ({
          id,
          service: { schema: "http", host: "127.0.0.1", port },
          client: { token: "t" },
          required: false,
        });
        const found = await checkLive(
          {
            discovery: {
              kubernetes: [
                { id: "good", ...clusterBlock(api), client: { token: "t" } },
                block("down", await closedPort()),
                block("silent", silent.port),
              ],
            },
            routes: ["good", "down", "silent"].map((id) => ({ id, path: `/${id}`, service: `${id}/shop/web` })),
          },
          "--timeout",
          "1",
        );
        assertEquals(found.code, 1);
        assertEquals(
          found.live.clusters.map(({ id, faults }) => [id, faults]),
          [
            ["good", []],
            ["down", ["cannot be reached: connection refused"]],
            ["silent", ["cannot be reached: no answer within 1 s"]],
          ],
        );
        assertEquals(
          found.live.services.map(({ nodes, code }) => [nodes, code]),
          [
            [2, undefined],
            [0, "not_synced"],
            [0, "not_synced"],
          ],
        );
      },
    );
  });
});
