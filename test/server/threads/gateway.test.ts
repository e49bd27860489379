import { afterAll, beforeAll, describe, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { clusterBlock, slice } from "../../gateway/objects.ts";
import { type Pods, startPods } from "../../gateway/pods.ts";
import { type ServedApiserver, serveEmbedded } from "../../helpers/embedded.ts";
import { type GatewayProcess, startGateway } from "../../helpers/gateway-process.ts";
import { until } from "../../helpers/wait.ts";
import { connect, connections, counter, FILES, linesWith, onNewConnections, TELL } from "./support.ts";

const NODES = "/v1/discovery/kubernetes/nodes?service=default/web:http";

let api: ServedApiserver;
let pods: Pods;
beforeAll(async () => {
  api = await serveEmbedded();
  pods = await startPods(2);
  setPods(0, 1);
});
afterAll(async () => {
  await api.stop();
  await pods[Symbol.asyncDispose]();
});

/** Which of the pods the service has. */
function setPods(...indexes: number[]): void {
  api.api.apply(
    slice(
      "web",
      indexes.map((index) => pods.all[index]!.ip),
      pods.port,
    ),
  );
}

function configOf(
  settings: object = {},
  { server = {}, route = {} }: { server?: object; route?: object } = {},
): object {
  return {
    server: { listen: "127.0.0.1:0", workers: 2, ...server },
    admin: { listen: "127.0.0.1:0" },
    discovery: { kubernetes: clusterBlock(api, settings) },
    routes: [{ id: "web", service: "web", middleware: [TELL], ...route }],
  };
}

const start = (config: object = configOf()): Promise<GatewayProcess> => startGateway({ config, files: FILES });

/** Asked of the apiserver since `from`, by verb. */
const asked = (from: number, verb: string): number =>
  api.api.requests.slice(from).filter((request) => request.verb === verb && request.resource === "endpointslices")
    .length;

describe("a gateway with two workers", () => {
  let gateway: GatewayProcess;
  let from: number;
  beforeAll(async () => {
    from = api.api.requests.length;
    gateway = await start();
  });
  afterAll(async () => {
    await gateway.stop();
  });

  test("serves with both, and asks the apiserver for one list and one watch, as with one worker", async () => {
    const open = await connections(gateway.url);
    assertEquals(open.size, 2);
    assertEquals([asked(from, "list"), api.api.openWatches.length], [1, 1]);
    const before = api.api.requests.length;
    await using alone = await start(configOf({}, { server: { workers: 1 } }));
    assertEquals((await alone.fetch("/")).status, 200);
    assertEquals([asked(before, "list"), asked(before, "watch"), api.api.openWatches.length], [1, 1, 2]);
  });

  test("sends nothing to a removed pod from any worker once the change has arrived", async () => {
    const open = [...(await connections(gateway.url, { each: 3 })).values()].flat();
    for (let round = 0; round < 10; round++) {
      const gone = round % 2;
      setPods(1 - gone);
      const left = `200 pod-${2 - gone}`;
      const answers = async (): Promise<string[]> => await Promise.all(open.map(({ ask }) => ask()));
      await until(async () => (await answers()).every((answer) => answer.includes(left)), { message: "it is gone" });
      for (const answer of await answers()) assertStringIncludes(answer, left);
      setPods(0, 1);
      await until(
        async () => new Set((await Promise.all(open.map(({ ask }) => ask()))).map((one) => one.slice(-5))).size === 2,
        {
          message: "both pods serve again",
        },
      );
    }
    for (const { client } of open) client.close();
  });

  test("divides new connections and pods evenly enough", async () => {
    const by = new Map<string, number>();
    for (const answer of await onNewConnections(gateway.url, 200)) by.set(answer, (by.get(answer) ?? 0) + 1);
    for (const count of by.values()) assertGreaterOrEqual(count, 80);
    assertEquals(by.size, 2);
  });

  test("counts for all of them in /metrics, /status and /nodes, and writes whole lines of the access log", async () => {
    const before = await counter(gateway, "podway_requests_total");
    const lines = gateway.stdout.length;
    await Promise.all(Array.from({ length: 20 }, () => onNewConnections(gateway.url, 10)));
    assertEquals((await counter(gateway, "podway_requests_total")) - before, 200);
    await until(() => gateway.stdout.length - lines >= 200, { message: "the access log" });
    const ids = gateway.stdout.slice(lines).map((line) => (JSON.parse(line) as { id: string }).id.split("-")[0]);
    assertEquals(new Set(ids).size, 2, "each worker's ids begin differently");
    const nodes = (await (await gateway.admin(NODES)).json()) as { nodes: object[] };
    assertEquals(nodes.nodes.length, 2);
    const { clusters } = (await (await gateway.admin("/v1/discovery/kubernetes/status")).json()) as {
      clusters: { state: string; endpoints: number }[];
    };
    assertEquals([clusters[0]!.state, clusters[0]!.endpoints], ["watching", 2]);
  });
});

describe("a worker that dies", () => {
  test("of exit is replaced by one that knows all, and no connection of another is harmed", async () => {
    const before = api.api.requests.length;
    await using gateway = await start();
    const open = await connections(gateway.url, { each: 4 });
    const [first, second] = [...open.keys()] as [string, string];
    const counted = await counter(gateway, "podway_requests_total");
    let going = true;
    const others = open.get(second)!.map(async ({ ask }) => {
      const answers: string[] = [];
      while (going) answers.push(await ask());
      return answers;
    });
    await fetch(gateway.url, { headers: { connection: "close" } });
    await dieOf(gateway, first, "exit");
    await until(() => linesWith(gateway, "A worker ended; another takes its place").length === 1, {
      message: "the log says so",
    });
    assertStringIncludes(linesWith(gateway, "A worker ended")[0]!, '"exit_code":3');
    const after = await connections(gateway.url);
    assert(!after.has(first), "another thread took its place");
    assertEquals((await gateway.admin("/readyz")).status, 200);
    going = false;
    const answers = (await Promise.all(others)).flat();
    assertGreaterOrEqual(answers.length, 4);
    for (const answer of answers) assertStringIncludes(answer, `${second} 200 pod-`);
    assertGreaterOrEqual(await counter(gateway, "podway_requests_total"), counted);
    // It has every change since.
    setPods(1);
    const workers = [...(await connections(gateway.url)).values()].map(([one]) => one!);
    await until(
      async () => (await Promise.all(workers.map(({ ask }) => ask()))).every((answer) => answer.includes("200 pod-2")),
      "every worker has the change",
    );
    setPods(0, 1);
    assertEquals(asked(before, "list"), 1);
  });
});

test("a worker that takes another's place listens where that one did, and serves by the config as it is now", async () => {
  await using gateway = await start();
  const [first = ""] = (await connections(gateway.url)).keys();
  const turn = { response_headers: { set: { "x-turn": "2" } } };
  const next = configOf({}, { server: { listen: "127.0.0.2:1" }, route: turn });
  await writeFile(gateway.configFile, JSON.stringify(next));
  await until(() => linesWith(gateway, "The changed config is in force").length === 1, { message: "it is in force" });
  await dieOf(gateway, first, "exit");
  await until(() => linesWith(gateway, "another takes its place").length === 1, { message: "it died" });
  const after = await connections(gateway.url);
  assert(!after.has(first));
  for (const [one] of after.values()) assertEquals((await one!.client.get("/")).headers["x-turn"], "2");
});

/** Has the worker end; requests find it by trying. */
async function dieOf(gateway: GatewayProcess, worker: string, how: string): Promise<void> {
  for (;;) {
    const one = await connect(gateway.url);
    if (one.worker !== worker) {
      one.client.close();
      continue;
    }
    one.client.send(`GET / HTTP/1.1\r\nhost: gateway.test\r\nx-die: ${how}\r\n\r\n`);
    return;
  }
}
