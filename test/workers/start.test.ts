import { test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertMatch } from "@std/assert";
import { world } from "../gateway/support.ts";
import { startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";

const routes = [{ nodes: [{ host: "127.0.0.1", port: 1 }] }];

test("a port that is another program's keeps all workers from starting, and says so", async () => {
  const taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  try {
    const config = { server: { listen: `127.0.0.1:${taken.port}`, workers: 2 }, admin: false, routes };
    const error = await startGateway({ config }).catch((cause: Error) => cause);
    assertMatch(String(error), /exit code 1:\nCannot listen on 127\.0\.0\.1:\d+: another program listens there/);
  } finally {
    await taken.stop(true);
  }
});

test("a gateway that follows another on its port says so, and both serve", async () => {
  for (const workers of [1, 2]) {
    const config = (listen: string): object => ({
      server: { listen, workers, access_log: false },
      admin: { listen: "127.0.0.1:0" },
      routes,
    });
    await using first = await startGateway({ config: config("127.0.0.1:0") });
    await using second = await startGateway({ config: config(new URL(first.url).host) });
    const words = "Another gateway listens on";
    await until(() => second.stderr.some((line) => line.includes(words)), { message: "the log says so" });
    assertEquals(
      first.stderr.some((line) => line.includes(words)),
      false,
    );
    assertEquals(await first.stop(), 0);
    assertEquals((await second.fetch("/")).status, 502);
  }
});

test("SIGTERM while the workers begin ends the gateway with 0", async () => {
  const folder = await mkdtemp(join(tmpdir(), "podway-begin-"));
  try {
    const file = join(folder, "gateway.yaml");
    // No worker ever listens: its module ends it, as it did not end the keeper.
    await writeFile(
      join(folder, "endless.ts"),
      "export default () => { if (!Bun.isMainThread) process.exit(1); return (_c, next) => next(); };",
    );
    const config = {
      server: { listen: "127.0.0.1:0", workers: 2 },
      admin: false,
      routes: [{ ...routes[0], middleware: [{ use: "./endless.ts" }] }],
    };
    await writeFile(file, JSON.stringify(config));
    const { run, signal, stdout, stderr } = world();
    const ended = run("--config", file);
    await until(() => stderr.some((line) => line.includes("another takes its place")), { message: "they begin" });
    signal("SIGTERM");
    assertEquals([await ended, stdout], [0, []]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
