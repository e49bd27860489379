import { describe, test } from "bun:test";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "@std/assert";
import { slice } from "../gateway/objects.ts";
import { serve, world } from "../gateway/support.ts";
import { type ServedApiserver, serveEmbedded } from "../helpers/embedded.ts";
import { until } from "../helpers/wait.ts";
import { textPlaces } from "./schema-walk.ts";

/** The secrets that a config holds here. */
const MARK = "M4rked";
const ENV = { USER: "someone" };

/** A route for every place of a route where a text may be a secret, with that text. */
const ROUTES = textPlaces(MARK)
  .filter(({ path, shown }) => !shown && path.startsWith("routes[]") && !path.endsWith(".options"))
  .map(({ marked, around }, index) => ({
    ...(around(marked) as { routes: object[] }).routes[0],
    id: `r${index}`,
    path: `/p${index}`,
  }));

/** What `explain` is asked for is where the request goes: a rewritten path is the answer. */
const REWRITES = new Set(ROUTES.filter((route) => "rewrite_path" in route).map(({ id }) => id));

const TOKEN = { authorization: `Bearer ${btoa(JSON.stringify({ alg: "RS256" }))}.e30.x` };

function configOf(apiserver: ServedApiserver, accessLog: string, snapshot: string): object {
  const { hostname: host, port } = new URL(apiserver.url);
  return {
    server: { log_level: "debug", access_log: accessLog },
    admin: { token: MARK },
    discovery: {
      kubernetes: {
        service: { schema: "http", host, port },
        client: { token: MARK },
        watch_endpoint_slices: true,
        snapshot_file: snapshot,
      },
    },
    defaults: { request_headers: { set: { "x-default": MARK } } },
    tracing: { otlp_endpoint: `http://u:${MARK}@127.0.0.1:1/`, headers: { "x-a": MARK } },
    routes: [...ROUTES, { id: "service", path: "/service", service: "default/web" }],
    streams: [{ id: "stream", listen: "127.0.0.1:0", service: "default/web" }],
  };
}

/** Asserts that none of the outputs holds the mark. */
function unmarked(outputs: Readonly<Record<string, string>>): void {
  for (const [where, output] of Object.entries(outputs)) {
    const at = output.indexOf(MARK);
    assert(at < 0, `${where}: ${output.slice(Math.max(0, at - 200), at + 20)}`);
  }
}

describe("a text that the schema does not call showable is in nothing that a running gateway shows", () => {
  test.each([
    ["json", false],
    ["combined", true],
  ])("with an access log of %s, and a terminal: %p", async (accessLog, terminal) => {
    await using apiserver = await serveEmbedded();
    apiserver.api.apply(slice("web", ["127.0.0.1"], 1));
    const folder = await mkdtemp(join(tmpdir(), "podway-shown-"));
    const snapshot = join(folder, "snapshot");
    await using gateway = await serve(configOf(apiserver, accessLog, snapshot), { env: ENV, terminal });
    const outputs: Record<string, string> = {};
    const headers = { authorization: `Bearer ${MARK}` };
    const admin = async (path: string): Promise<string> =>
      await (await fetch(gateway.adminUrl + path, { headers })).text();

    for (const { id, path } of ROUTES) {
      await (await gateway.fetch(path, { headers: TOKEN })).text();
      if (!REWRITES.has(id)) outputs[`explain of ${id}`] = await admin(`/v1/explain?url=${path}`);
    }
    for (const path of [
      ...["/v1/routes", "/v1/config", "/v1/events", "/v1/version", "/metrics", "/readyz", "/"],
      ...["/v1/discovery/kubernetes/dump", "/v1/discovery/kubernetes/status"],
      "/v1/discovery/kubernetes/nodes?service=default/web&verbose=1",
      ...ROUTES.map(({ id }) => `/?open=${id}`),
    ]) {
      outputs[path] = await admin(path);
      assert(outputs[path] !== "", path);
    }

    const asks = ["--admin", gateway.adminUrl, "--token", MARK];
    const config = ["--config", gateway.configFile];
    for (const argv of [
      ["nodes", "default/web", ...asks],
      ["nodes", "default/web", ...config],
      ...ROUTES.filter(({ id }) => !REWRITES.has(id)).map(({ path }) => ["explain", path, ...asks]),
      ["explain", "/p0", ...config],
      ["check", gateway.configFile, "--live"],
      ["check", gateway.configFile, "--live", "--json"],
    ]) {
      const { run, stdout, stderr } = world({ env: ENV, terminal });
      await run(...argv);
      const said = [...stdout, ...stderr].join("\n");
      assert(said !== "", argv.join(" "));
      outputs[argv.join(" ").replace(MARK, "TOKEN")] = said;
    }

    await until(() => gateway.stdout.some((line) => line.includes(`/p${ROUTES.length - 1}`)), {
      message: "all is logged",
    });
    outputs["the snapshot file"] = await until(async () => await readFile(snapshot, "latin1").catch(() => undefined), {
      message: "there is a snapshot file",
    });
    await gateway.stop();
    await rm(folder, { recursive: true });
    outputs["the log"] = [...gateway.stdout, ...gateway.stderr].join("\n");
    unmarked(outputs);
  });
});
