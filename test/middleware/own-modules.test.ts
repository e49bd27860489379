import { afterAll, beforeAll, describe, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { MAIN, startGateway } from "../helpers/gateway-process.ts";
import { OWN_MODULES, OWN_MODULES_HEADERS, ownModulesHeaders, writeOwnModules } from "../helpers/own-modules.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "podway-modules-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const redirecting = (middleware: object[]): object => ({
  server: { listen: "127.0.0.1:0" },
  admin: false,
  routes: [{ path: "/", redirect: { path: "/there" }, middleware }],
});

describe("modules of one's own", () => {
  test("import the gateway's Hono, parts of it, and packages beside them", async () => {
    const full = await mkdtemp(join(folder, "full-"));
    await writeOwnModules(full);
    const configFile = join(full, "gateway.yaml");
    await writeFile(configFile, JSON.stringify(redirecting(OWN_MODULES)));
    await using gateway = await startGateway({ config: "", configFile });
    assertEquals(ownModulesHeaders(await gateway.fetch("/")), OWN_MODULES_HEADERS);
  });

  test("import the gateway's Hono where nothing is installed beside them", async () => {
    const module = `import { createMiddleware } from "hono/factory";
import { getCookie } from "hono/cookie";
export default () => createMiddleware(async (c, next) => { await next(); c.header("x-mine", getCookie(c, "a") ?? ""); });`;
    for (const workers of [1, 2]) {
      const config = { ...redirecting([{ use: "./mine.ts" }]), server: { listen: "127.0.0.1:0", workers } };
      await using gateway = await startGateway({ config, files: { "mine.ts": module } });
      const answer = await gateway.fetch("/", { headers: { cookie: "a=yes" } });
      assertEquals(answer.headers.get("x-mine"), "yes");
    }
  });

  // As users start it: with Bun and nothing else, and from any folder.
  test.each(["check", "--config"])(
    "never make %s download a package: what is not installed is an error that names it",
    async (how) => {
      const empty = await mkdtemp(join(folder, "empty-"));
      const cache = join(empty, "cache");
      const asked: string[] = [];
      await using registry = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        fetch(request) {
          asked.push(new URL(request.url).pathname);
          return new Response("", { status: 404 });
        },
      });
      const file = join(empty, "gateway.yaml");
      await writeFile(join(empty, "mine.ts"), 'import "is-odd";\nexport default () => async (_, next) => next();\n');
      await writeFile(file, JSON.stringify(redirecting([{ use: "./mine.ts" }])));
      const child = Bun.spawn([process.execPath, MAIN, how, file], {
        cwd: empty,
        env: {
          PATH: process.env.PATH,
          HOME: empty,
          BUN_INSTALL_CACHE_DIR: cache,
          BUN_CONFIG_REGISTRY: `http://127.0.0.1:${registry.port}`,
        },
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
      });
      assertStringIncludes(await new Response(child.stderr).text(), "Cannot find package 'is-odd'");
      assertEquals([await child.exited, asked, existsSync(cache)], [2, [], false]);
    },
  );
});
