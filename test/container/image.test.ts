import { beforeAll, describe, test } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { serveEmbedded } from "../helpers/embedded.ts";
import { OWN_MODULES, OWN_MODULES_HEADERS, ownModulesHeaders, writeOwnModules } from "../helpers/own-modules.ts";
import { makeBase } from "./bases.ts";
import { buildImage, type Image, inRoot } from "./image.ts";
import { stateFolder } from "./state.ts";
import { untilSaid } from "./until-said.ts";

/** Where Bun keeps what it has downloaded: the build finds it there too, and needs no network. */
const BUN_CACHE = process.env.BUN_INSTALL_CACHE_DIR ?? join(homedir(), ".bun/install/cache");

let image: Image;

beforeAll(async () => {
  const folder = await mkdtemp(join(stateFolder(), "image-"));
  // The roots are looked at by the image's user.
  await chmod(folder, 0o755);
  await mkdir(BUN_CACHE, { recursive: true });
  image = await buildImage({
    context: join(import.meta.dir, "../.."),
    folder,
    makeBase,
    caches: { "/root/.bun/install/cache": BUN_CACHE },
  });
}, 240_000);

/** A container: the image's root, read-only, with /proc and, where there is one, a folder in place of /etc/podway. */
function run(command: readonly string[], config?: string) {
  const mounts = [
    "mount --make-rprivate /",
    `mkdir -p ${image.root}/proc`,
    `mount --bind ${image.root} ${image.root}`,
    `mount -t proc proc ${image.root}/proc`,
    ...(config === undefined ? [] : [`mount --bind ${config} ${image.root}/etc/podway`]),
    `mount -o remount,bind,ro ${image.root}`,
    'exec "$@"',
  ];
  return Bun.spawn(["unshare", "--mount", "sh", "-ec", mounts.join("\n"), "sh", ...inRoot(image, command)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

describe("the image that the Dockerfile's steps make", () => {
  test("holds the executable on a base without a shell, and nothing of the sources", () => {
    assert(existsSync(join(image.root, "usr/local/bin/podway")));
    for (const path of ["bin/sh", "bin/bash", "usr/bin/env", "build", "usr/local/bin/bun"]) {
      assert(!existsSync(join(image.root, path)), path);
    }
  });

  test("says how it is started, watched and ended", () => {
    const { entrypoint, cmd, user, workdir, stopSignal, healthcheck, env, ports } = image;
    assertEquals([...entrypoint, ...cmd], ["/usr/local/bin/podway"]);
    assertEquals([user, workdir, stopSignal], ["65532:65532", "/etc/podway", "SIGTERM"]);
    assertEquals(healthcheck, ["/usr/local/bin/podway", "health"]);
    assertEquals(env, { BUN_CONFIG_MAX_HTTP_REQUESTS: "65336" });
    assertEquals(ports, ["8080"]);
  });

  test("serves a config mounted at /etc/podway as its own user from a read-only root, is healthy, and ends at its signal", async () => {
    await using served = await serveEmbedded({}, 0);
    await using pod = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("from the pod") });
    served.api.apply({
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { namespace: "shop", name: "web" },
      subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: "http", port: pod.port }] }],
    });
    const folder = await mkdtemp(join(stateFolder(), "etc-"));
    await chmod(folder, 0o755);
    const kubernetes = {
      service: { schema: "http", host: "127.0.0.1", port: Number(new URL(served.url).port) },
      client: { token: "any" },
    };
    const config = {
      admin: { listen: "127.0.0.1:9191" },
      discovery: { kubernetes },
      routes: [{ path: "/", service: "shop/web:http" }],
    };
    await writeFile(join(folder, "gateway.yaml"), JSON.stringify(config));

    assertEquals(await run(image.healthcheck, folder).exited, 1);
    const container = run([...image.entrypoint, ...image.cmd], folder);
    await untilSaid(container.stdout, /podway ready on http:\/\/127\.0\.0\.1:8080/);
    const status = await Bun.file(`/proc/${container.pid}/status`).text();
    assertStringIncludes(status, "Uid:\t65532\t65532\t65532\t65532");
    assertStringIncludes(status, "CapEff:\t0000000000000000");
    assertEquals(await (await fetch("http://127.0.0.1:8080/")).text(), "from the pod");
    assertEquals(await run(image.healthcheck, folder).exited, 0);
    assertEquals(await run([...image.healthcheck, "--ready"], folder).exited, 0);
    container.kill(image.stopSignal as NodeJS.Signals);
    assertEquals(await container.exited, 0);
  });

  test("loads modules that import packages from beside them, as from source", async () => {
    const folder = await mkdtemp(join(stateFolder(), "own-"));
    await chmod(folder, 0o755);
    await writeOwnModules(folder);
    const routes = [{ path: "/", redirect: { path: "/there" }, middleware: OWN_MODULES }];
    await writeFile(join(folder, "gateway.yaml"), JSON.stringify({ admin: false, routes }));
    const container = run([...image.entrypoint, ...image.cmd], folder);
    await untilSaid(container.stdout, /podway ready on http:\/\/127\.0\.0\.1:8080/);
    const answer = await fetch("http://127.0.0.1:8080/", { redirect: "manual" });
    assertEquals(ownModulesHeaders(answer), OWN_MODULES_HEADERS);
    container.kill(image.stopSignal as NodeJS.Signals);
    assertEquals(await container.exited, 0);
  });

  test("serves the demo where no config is mounted", async () => {
    const container = run([...image.entrypoint, ...image.cmd]);
    await untilSaid(container.stdout, /try: curl/);
    assertEquals((await fetch("http://127.0.0.1:8080/anything")).status, 200);
    assertEquals(await run(image.healthcheck).exited, 0);
    container.kill(image.stopSignal as NodeJS.Signals);
    assertEquals(await container.exited, 0);
  });
});
