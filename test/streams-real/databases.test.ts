import { afterAll, beforeAll, describe, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { freePort } from "../../bench/lib/process.ts";
import { clusterBlock, slice } from "../gateway/objects.ts";
import { type ServedApiserver, serveEmbedded } from "../helpers/embedded.ts";
import { type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { startOnDeno } from "../runtimes/deno.ts";
import { type Database, psql, run, said, startPostgres, startRedis, whatIsMissing } from "./servers.ts";
import { startSession } from "./session.ts";

const missing = whatIsMissing();
if (missing !== undefined) process.stderr.write(`The databases behind streams are not tested: ${missing}\n`);

const RUNTIMES = [
  ["Bun", startGateway],
  ["Deno", startOnDeno],
] as const;

/** How often an endpoint is replaced while a client is at work. */
const TURNS = 10;
const TURN_MS = 200;

for (const [runtime, start] of RUNTIMES) {
  describe.skipIf(missing !== undefined)(`streams on ${runtime}, with the databases' own clients`, () => {
    let api: ServedApiserver;
    let gateway: GatewayProcess;
    let ports: { redis: number; postgres: number };

    beforeAll(async () => {
      api = await serveEmbedded();
      ports = { redis: await freePort(), postgres: await freePort() };
      const stream = (name: "redis" | "postgres") => ({
        id: name,
        listen: `127.0.0.1:${ports[name]}`,
        service: `db/${name}:${name}`,
      });
      const config = {
        server: { listen: "127.0.0.1:0" },
        admin: { listen: "127.0.0.1:0" },
        discovery: { kubernetes: clusterBlock(api) },
        streams: [stream("redis"), stream("postgres")],
      };
      gateway = await start({ config });
    }, 60_000);
    afterAll(async () => {
      await gateway?.stop();
      await api?.stop();
    });

    /** The endpoint of a service becomes this server, and no other. */
    const point = (name: string, { host, port }: Database): void => {
      api.api.apply(slice(`db/${name}`, [host], { name, port }));
    };

    /** Swaps the endpoint between two servers while `work` goes on; how often it did. */
    async function swapWhile(name: string, servers: readonly Database[], work: Promise<unknown>): Promise<number> {
      let done = false;
      void work.finally(() => {
        done = true;
      });
      let turns = 0;
      while (turns < TURNS && !done) {
        turns++;
        point(name, servers[turns % servers.length]!);
        await Bun.sleep(TURN_MS);
      }
      await work;
      return turns;
    }

    /** Lines of the access log of a stream's connections that did not end well. */
    const failed = (stream: string): string[] =>
      gateway.stdout.filter((line) => line.includes(`"stream":"${stream}"`) && !line.includes('"error":null'));

    test("Redis: its endpoint is replaced under redis-cli and redis-benchmark", async () => {
      const port = await freePort();
      await using one = await startRedis("one", "127.0.0.2", port);
      await using two = await startRedis("two", "127.0.0.3", port);
      const at = ["-h", "127.0.0.1", "-p", String(ports.redis)];
      const who = (): Promise<string> => said("redis-cli", ...at, "get", "who");
      point("redis", one);
      await until(async () => (await who()) === "one", { message: "the first server" });

      await using old = startSession("redis-cli", ...at);
      await old.ask("get who", /one/);

      // A connection for each request (-k 0): every one of them is a new one for the gateway.
      const each = run("redis-benchmark", ...at, "-k", "0", "-c", "8", "-n", "2000", "-t", "set,get", "-q");
      assert((await swapWhile("redis", [one, two], each)) >= 3, "the endpoint was replaced while it worked");
      const { code, stdout, stderr } = await each;
      assertEquals([code, /error/i.test(stdout + stderr)], [0, false], stdout + stderr);

      // Connections that stay: a replaced endpoint takes none of them away.
      point("redis", one);
      await until(async () => (await who()) === "one", { message: "the first server again" });
      const kept = run("redis-benchmark", ...at, "-c", "8", "-n", "60000", "-t", "set", "-q", "-P", "4");
      await Bun.sleep(200);
      point("redis", two);
      await until(async () => (await who()) === "two", { message: "new connections go to the second server" });
      const end = await kept;
      assertEquals([end.code, /error/i.test(end.stdout + end.stderr)], [0, false], end.stdout + end.stderr);
      await old.ask("get who", /one/);
      assertEquals(failed("redis"), []);

      // What no proxy can hide: the server a session is with goes away. redis-cli says so, and connects again by itself.
      await one.stop();
      await old.ask("get who", /closed|refused|reset/i);
      await old.ask("get who", /two/);
      assertEquals(await who(), "two");
    }, 90_000);

    test("PostgreSQL: its endpoint is replaced under psql and pgbench", async () => {
      const port = await freePort();
      await using one = await startPostgres("one", "127.0.0.2", port);
      await using two = await startPostgres("two", "127.0.0.3", port);
      const ask = psql("127.0.0.1", ports.postgres);
      const who = (): Promise<string> => said(...ask, "-c", "select name from who");
      point("postgres", one);
      await until(async () => (await who()) === "one", { message: "the first server" });

      await using old = startSession(...ask);
      await old.ask("begin; create temp table mine as select 'kept'::text as word; select name from who;", /one/);

      const script = join(tmpdir(), `podway-pgbench-${process.pid}.sql`);
      await writeFile(script, "select name from who;\n");
      const bench = (...more: string[]) =>
        run(
          "pgbench",
          "-h",
          "127.0.0.1",
          "-p",
          String(ports.postgres),
          "-U",
          "postgres",
          "-n",
          "-f",
          script,
          ...more,
          "postgres",
        );

      // A connection for each transaction (-C).
      const each = bench("-C", "-c", "4", "-T", "4");
      assertEquals(await swapWhile("postgres", [one, two], each), TURNS);
      const first = await each;
      assertEquals(first.code, 0, first.stderr);
      assertStringIncludes(first.stdout, "number of failed transactions: 0");

      // Sessions that stay with their server, whatever becomes of the endpoint.
      point("postgres", one);
      await until(async () => (await who()) === "one", { message: "the first server again" });
      const kept = bench("-c", "4", "-T", "3");
      await Bun.sleep(500);
      point("postgres", two);
      await until(async () => (await who()) === "two", { message: "new connections go to the second server" });
      const second = await kept;
      assertEquals(second.code, 0, second.stderr);
      assertStringIncludes(second.stdout, "number of failed transactions: 0");
      await old.ask("select word from mine; commit;", /kept/);
      assertEquals(failed("postgres"), []);

      // What no proxy can hide: a session's state is in its server, and goes with it.
      await one.stop();
      await old.ask("select 1;", /terminating connection|server closed the connection/);
      assertEquals(await who(), "two");
    }, 120_000);
  });
}
