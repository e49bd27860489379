import { describe, test } from "bun:test";
import { readFile } from "node:fs/promises";
import * as tls from "node:tls";
import { assert, assertEquals } from "@std/assert";
import { clusterBlock, slice } from "../gateway/objects.ts";
import { createAuthority } from "../helpers/certificates.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { startPod } from "./pod.ts";
import { mountVolume } from "./volume.ts";

/** An address of this namespace that is not the loopback one. */
const POD_ADDRESS = "10.244.7.2";

/** The common name of the certificate that a new connection is shown. */
function nameShown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

for (const workers of [1, 2]) {
  describe(`mounted as in a pod, with ${workers} worker${workers === 1 ? "" : "s"}`, () => {
    test("swapped config, token and certificates are picked up, and only the probes answer without the admin's token", async () => {
      await using pod = startPod();
      await using authority = await createAuthority();
      const names = ["DNS:localhost", "IP:127.0.0.1"];
      const [before, after] = [await authority.issue("before", names), await authority.issue("after", names)];
      const secret = async ({ cert, key }: typeof before) => ({
        "tls.crt": await readFile(cert, "utf8"),
        "tls.key": await readFile(key, "utf8"),
      });
      await using certificates = await mountVolume(await secret(before));
      await using account = await mountVolume({ token: "first-token" });
      await using api = await serveEmbedded({ requireToken: "first-token" });
      api.api.apply(slice("web", ["127.0.0.1"], pod.port));
      const configOf = (turn: number): string =>
        JSON.stringify({
          server: {
            listen: "0.0.0.0:0",
            workers,
            access_log: false,
            tls: { cert_file: certificates.path("tls.crt"), key_file: certificates.path("tls.key") },
          },
          admin: { listen: "0.0.0.0:0", token: "adm1n-token" },
          discovery: { kubernetes: clusterBlock(api, { client: { token_file: account.path("token") } }) },
          routes: [{ service: "web", response_headers: { set: { "x-turn": String(turn) } } }],
        });
      await using config = await mountVolume({ "gateway.yaml": configOf(1) });
      await using gateway = await startGateway({ config: configOf(1), configFile: config.path("gateway.yaml") });
      const port = Number(new URL(gateway.url).port);
      const turns = async (): Promise<string> => {
        const asked = Array.from({ length: 12 }, async () => {
          const answer = await fetch(gateway.url, {
            tls: { rejectUnauthorized: false },
            keepalive: false,
          } as RequestInit);
          return answer.headers.get("x-turn") ?? `${answer.status}`;
        });
        return [...new Set(await Promise.all(asked))].join();
      };

      const admin = `http://${POD_ADDRESS}:${new URL(gateway.adminUrl).port}`;
      const statusOf = async (path: string, token?: string): Promise<number> =>
        (await fetch(admin + path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }))
          .status;
      for (const path of ["/healthz", "/readyz"]) assertEquals(await statusOf(path), 200);
      for (const path of [
        "/metrics",
        "/v1/routes",
        "/v1/discovery/kubernetes/status",
        "/v1/discovery/kubernetes/dump",
      ]) {
        assertEquals(
          [await statusOf(path), await statusOf(path, "wrong"), await statusOf(path, "adm1n-token")],
          [401, 401, 200],
        );
      }

      assertEquals(await turns(), "1");
      await config.publish({ "gateway.yaml": configOf(2) });
      await until(async () => (await turns()) === "2", {
        timeout: 1000,
        interval: 10,
        message: "the config is in force",
      });

      api.api.settings.requireToken = ["first-token", "second-token"];
      await account.publish({ token: "second-token" });
      const bearer = (): string | null | undefined => api.api.requests.at(-1)?.headers.get("authorization");
      await until(
        () => {
          for (const watch of api.api.openWatches) watch.bookmark();
          for (const watch of api.api.openWatches) watch.end();
          return bearer() === "Bearer second-token";
        },
        { timeout: 3000, message: "the new token is used" },
      );

      assertEquals(await nameShown(port), "before");
      await certificates.publish(await secret(after));
      const shown = async (): Promise<string> =>
        [...new Set(await Promise.all(Array.from({ length: 12 }, () => nameShown(port))))].join();
      await until(async () => (await shown()) === "after", {
        timeout: 6000,
        interval: 50,
        message: "the new certificate",
      });
      assertEquals(await turns(), "2");
      assert(!gateway.stderr.some((line) => /"level":"ERROR"/.test(line)), gateway.stderr.join("\n"));
    });
  });
}
