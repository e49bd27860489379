import { afterAll, beforeAll, describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type GatewayProcess, runCommand, startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";

const STAMP = `export default ({ text }) => async (c, next) => {
  c.req.raw.headers.set("x-stamp", text);
  await next();
  c.header("x-stamped", text);
};
`;

const DOUBLE = `export default () => async (c, next) => {
  const text = await c.req.text();
  c.req.raw = new Request(c.req.raw, { body: text + text });
  await next();
};
`;

/** A pod that tells what it got; `/slow` never answers. */
const pod = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/slow")) {
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
      left++;
    }
    if (pathname.endsWith("/sized")) return new Response("x".repeat(4242));
    if (pathname.endsWith("/unsized")) return new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
    const told = request.headers.get("content-length");
    return Response.json({ stamp: request.headers.get("x-stamp"), told, length: (await request.text()).length });
  },
});
let left = 0;
const nodes = [{ host: "127.0.0.1", port: pod.port }];

/** Hangs before or after what stands behind it, as the query says. */
const HANG = `export default () => async (c, next) => {
  const hang = c.req.query("hang");
  if (hang === "before") await new Promise(() => {});
  if (hang === "a while") await new Promise((resolve) => setTimeout(resolve, 100));
  await next();
  if (hang === "after") await new Promise(() => {});
};
`;

const config = (limit: number) => ({
  server: { listen: "127.0.0.1:0" },
  admin: { listen: "127.0.0.1:0" },
  defaults: { middleware: [{ cors: { origin: "https://app.test" } }] },
  routes: [
    { id: "open", path: "/", nodes },
    { id: "stamped", path: "/stamped", nodes, middleware: [{ use: "./stamp.ts", options: { text: "hello" } }] },
    { id: "doubled", path: "/doubled", nodes, middleware: [{ use: "./double.ts" }] },
    { id: "closed", path: "/closed", nodes, middleware: [{ bearer_auth: { token: "${TOKEN}" } }] },
    { id: "limited", path: "/limited", nodes, middleware: [{ rate_limit: { limit: 1 } }] },
    { id: "small", path: "/small", nodes, middleware: [{ body_limit: { max_size: 4 } }] },
    { id: "hurried", path: "/hurried", nodes, middleware: [{ timeout: { duration: 150 } }] },
    {
      id: "hanging",
      path: "/hanging",
      nodes,
      middleware: [{ timeout: { duration: 300 } }, { use: "./hang.ts" }],
    },
    {
      id: "away",
      path: "/away",
      redirect: { path: "/" },
      middleware: [{ basic_auth: { username: "u", password: "p" } }],
    },
    { id: "moving", path: "/moving", nodes, middleware: [{ body_limit: { max_size: limit } }] },
  ],
});

describe("a gateway with middleware", () => {
  let gateway: GatewayProcess;
  beforeAll(async () => {
    gateway = await startGateway({
      config: config(1),
      env: { TOKEN: "s3cr3t-t0ken" },
      files: { "stamp.ts": STAMP, "double.ts": DOUBLE, "hang.ts": HANG },
    });
  });
  afterAll(async () => {
    await gateway.stop();
    await pod.stop(true);
  });
  const code = async (response: Response) => ((await response.json()) as { code: string }).code;

  test("sends a body that a middleware changed with its own length, or in chunks where it is large", async () => {
    const sent = async (size: number): Promise<unknown> =>
      (await gateway.fetch("/doubled", { method: "POST", body: "x".repeat(size) })).json();
    assertEquals(await sent(5), { stamp: null, told: "10", length: 10 });
    assertEquals(await sent(0), { stamp: null, told: "0", length: 0 });
    assertEquals(await sent(100_000), { stamp: null, told: null, length: 200_000 });
  });

  test("runs those of defaults on every route, before the route's own", async () => {
    const open = await gateway.fetch("/", { headers: { origin: "https://app.test" } });
    assertEquals(open.headers.get("access-control-allow-origin"), "https://app.test");
    const closed = await gateway.fetch("/closed", { headers: { origin: "https://app.test" } });
    assertEquals(closed.headers.get("access-control-allow-origin"), "https://app.test");
    assertEquals([closed.status, await code(closed)], [401, "unauthorized"]);
  });

  test("loads the user's module, relative to the config file, with its options", async () => {
    const response = await gateway.fetch("/stamped");
    assertEquals(response.headers.get("x-stamped"), "hello");
    assertEquals(await response.json(), { stamp: "hello", told: null, length: 0 });
  });

  test("takes secrets from the environment, and shows none", async () => {
    const answer = await gateway.fetch("/closed", { headers: { authorization: "Bearer s3cr3t-t0ken" } });
    assertEquals(answer.status, 200);
    const routes = await (await gateway.admin("/v1/routes")).text();
    assertStringIncludes(routes, "bearer_auth");
    assert(!routes.includes("s3cr3t"));
  });

  test("refuses a body that is too large, told or streamed", async () => {
    const post = (body: string | ReadableStream) => gateway.fetch("/small", { method: "POST", body });
    const stream = (text: string) => new Blob([text]).stream();
    assertEquals((await post("0123")).status, 200);
    assertEquals((await post(stream("0123"))).status, 200);
    for (const answer of [await post("01234"), await post(stream("01234"))]) {
      assertEquals([answer.status, await code(answer)], [413, "body_too_large"]);
    }
  });

  test("ends what takes longer than its timeout, at the pod too", async () => {
    const answer = await gateway.fetch("/hurried/slow");
    assertEquals([answer.status, await code(answer)], [504, "upstream_timeout"]);
    await until(() => left === 1 || undefined, { message: () => "the pod still works on it" });
  });

  test("ends what middleware behind a timeout takes too long for, before, at or after the pod", async () => {
    const told = async (path: string) => {
      const answer = await gateway.fetch(`/hanging${path}`);
      return [answer.status, answer.status === 200 ? "" : await code(answer)];
    };
    assertEquals(await told("?hang=no"), [200, ""]);
    assertEquals(await told("?hang=before"), [504, "upstream_timeout"]);
    assertEquals(await told("?hang=after"), [504, "upstream_timeout"]);
    const before = left;
    assertEquals(await told("/slow?hang=a+while"), [504, "upstream_timeout"]);
    await until(() => left === before + 1 || undefined, { message: () => "the pod still works on it" });
    assertEquals(await told("?hang=a+while"), [200, ""]);
  });

  test("leaves the length of an answer to HEAD as the pod told it, or untold", async () => {
    const length = async (path: string) => {
      const { status, headers } = await gateway.fetch(path, { method: "HEAD" });
      return [status, headers.get("content-length")];
    };
    assertEquals(await length("/stamped/sized"), [200, "4242"]);
    assertEquals(await length("/stamped/unsized"), [200, null]);
  });

  test("guards redirects too", async () => {
    assertEquals((await gateway.fetch("/away")).status, 401);
    const answer = await gateway.fetch("/away", { headers: { authorization: `Basic ${btoa("u:p")}` } });
    assertEquals(answer.status, 302);
  });

  test("says in the access log which route refused a request, and why", async () => {
    await gateway.fetch("/closed?log");
    const line = await until(
      () => gateway.stdout.findLast((text) => text.includes('"path":"/closed"') && text.includes('"status":401')),
      {
        message: () => "no line",
      },
    );
    const { route, error, upstream } = JSON.parse(line) as Record<string, unknown>;
    assertEquals({ route, error, upstream }, { route: "closed", error: "unauthorized", upstream: null });
  });

  test("keeps its counts when the config changes elsewhere", async () => {
    assertEquals((await gateway.fetch("/limited")).status, 200);
    assertEquals((await gateway.fetch("/limited")).status, 429);
    await writeFile(gateway.configFile, JSON.stringify(config(1000)));
    const moved = () => gateway.fetch("/moving", { method: "POST", body: "0123" });
    await until(async () => ((await moved()).status === 200 ? true : undefined), {
      message: () => gateway.stderr.join("\n"),
    });
    assertEquals((await gateway.fetch("/limited")).status, 429);
  });

  test("keeps the config in force when a changed one names a module that is not there", async () => {
    const next = config(1000);
    next.routes.push({ id: "more", path: "/more", nodes, middleware: [{ use: "./nope.ts", options: { text: "" } }] });
    await writeFile(gateway.configFile, JSON.stringify(next, null, 1));
    const line = await until(() => gateway.stderr.find((text) => text.includes("nope.ts")), {
      message: () => "nothing said",
    });
    assertStringIncludes(line, "routes[10].middleware[0].use names a module that cannot be loaded");
    assertEquals((await gateway.fetch("/stamped")).headers.get("x-stamped"), "hello");
  });
});

describe("a module that is no middleware keeps the gateway from starting, and says why", () => {
  test.each([
    ["export const x = 1;", "names a module without a default export that is a function of the options: FILE"],
    ["export default () => 7;", "names a module whose function does not return a Hono middleware: FILE"],
    [
      "\nexport default () => { throw new Error('no database'); };",
      "names a module whose function failed: FILE:2:34: no database: export default () =>",
    ],
    ["\nexport default ( ;", "names a module that cannot be loaded: FILE:2:18: Unexpected ;: export default ( ;"],
  ])("%s", async (text, words) => {
    const folder = await mkdtemp(join(tmpdir(), "podway-module-"));
    const why = words.replace("FILE", join(folder, "mine.ts"));
    try {
      await writeFile(join(folder, "mine.ts"), text);
      const file = join(folder, "gateway.yaml");
      await writeFile(file, "routes:\n  - redirect: {path: /}\n    middleware:\n      - use: ./mine.ts\n");
      const { code, stderr } = await runCommand(["--config", file]);
      assertEquals(code, 2);
      assertStringIncludes(stderr, `${file}:4:14: routes[0].middleware[0].use ${why}`);
      const checked = await runCommand(["check", file]);
      assertEquals(checked.code, 2);
      assertStringIncludes(checked.stderr, `routes[0].middleware[0].use ${why}`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
