import { test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertMatch } from "@std/assert";
import { world } from "../../gateway/support.ts";
import { startGateway } from "../../helpers/gateway-process.ts";
import { until } from "../../helpers/wait.ts";

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

const config = (listen: string, workers: number, admin = "127.0.0.1:0"): object => ({
  server: { listen, workers, access_log: false },
  admin: { listen: admin },
  routes,
});

test.each([1, 2])("two gateways share no port by mistake: %d workers", async (workers) => {
  await using first = await startGateway({ config: config("127.0.0.1:0", workers) });
  const again = config(new URL(first.url).host, workers);
  const error = await startGateway({ config: again }).catch((cause: Error) => cause);
  assertMatch(
    String(error),
    /exit code 1:\nCannot listen on 127.*another program listens there; server\.listen chooses/,
  );
  assertEquals((await first.fetch("/")).status, 502);
});

test.each([1, 2])(
  "a gateway takes over the port of another when asked to, and its admin port once it has ended: %d workers",
  async (workers) => {
    await using first = await startGateway({ config: config("127.0.0.1:0", workers) });
    const same = config(new URL(first.url).host, workers, new URL(first.adminUrl).host);
    await using second = await startGateway({ config: same, args: ["--takeover"] });
    assertEquals(second.adminUrl, first.adminUrl);
    await until(() => second.stderr.some((line) => line.includes("The admin API waits for")), {
      message: "it says so",
    });
    assertEquals(await first.stop(), 0);
    await until(async () => (await second.admin("/healthz")).ok, { message: "its admin API" });
    assertEquals((await second.fetch("/")).status, 502);
  },
);

test("SIGTERM while the workers begin ends the gateway with 0", async () => {
  const folder = await mkdtemp(join(tmpdir(), "podway-begin-"));
  try {
    const file = join(folder, "gateway.yaml");
    // No worker ever listens: its module ends it, as it did not end the primary.
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
