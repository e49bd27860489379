import { afterAll, beforeAll, describe, test } from "bun:test";
import { connect } from "node:net";
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Explained } from "../../../src/reports/explain/answer.ts";
import { clusterBlock, slice } from "../../gateway/objects.ts";
import { type Pods, startPods } from "../../gateway/pods.ts";
import { world } from "../../gateway/support.ts";
import { closedPort } from "../../helpers/closed-port.ts";
import { type ServedApiserver, serveEmbedded } from "../../helpers/embedded.ts";
import { type GatewayProcess, runCommand, startGateway } from "../../helpers/gateway-process.ts";
import { until } from "../../helpers/wait.ts";

/** One gateway in a process of its own, with a service for each way to have no node. */
let api: ServedApiserver;
let refusing: ServedApiserver;
let pods: Pods;
let gateway: GatewayProcess;

const unready = { addresses: ["10.9.9.1"], conditions: { ready: false } };
const leaving = { addresses: ["10.9.9.2"], conditions: { ready: false, serving: false, terminating: true } };

beforeAll(async () => {
  api = await serveEmbedded();
  refusing = await serveEmbedded();
  refusing.api.settings.authorize = () => false;
  pods = await startPods(2);
  const closed = await closedPort("127.0.0.4");
  const ips = pods.all.map(({ ip }) => ip);
  api.api.apply([
    slice("web", ips, pods.port),
    slice("empty", [], 80),
    slice("unready", [unready, { ...unready, addresses: ["10.9.9.3"] }], 80),
    slice("leaving", [leaving], 80),
    slice("flaky", ips, pods.port),
    slice("flaky", ["127.0.0.4"], closed, { suffix: "2" }),
    slice("hidden/web", ips, pods.port),
  ]);
  const cluster = (id: string, from: ServedApiserver, settings: object = {}): object => ({
    id,
    ...clusterBlock(from, { required: false, ...settings }),
  });
  const route = (id: string, service: string): object => ({ id, path: `/${id}`, service });
  gateway = await startGateway({
    config: {
      server: { listen: "127.0.0.1:0" },
      admin: { listen: "127.0.0.1:0" },
      discovery: {
        kubernetes: [
          cluster("main", api, { namespace_selector: { not_equal: "hidden" } }),
          cluster("some", api, { label_selector: "team=red" }),
          cluster("refusing", refusing),
          { id: "down", service: { schema: "http", host: "127.0.0.1", port: closed }, required: false },
        ],
      },
      routes: [
        { ...route("web", "main/default/web:http"), strip_prefix: "/web", methods: ["GET"] },
        { id: "elsewhere", hosts: ["shop.example.org"], path: "/elsewhere", service: "main/default/web" },
        route("absent", "main/default/nothing:http"),
        route("port", "main/default/web:https"),
        route("namespace", "main/hidden/web:http"),
        route("label", "some/default/web:http"),
        route("empty", "main/default/empty"),
        route("unready", "main/default/unready:http"),
        route("leaving", "main/default/leaving:http"),
        { ...route("flaky", "main/default/flaky:http"), health: { passive: { failures: 1, eject: 60_000 } } },
        route("unsynced", "down/default/web:http"),
        route("forbidden", "refusing/default/web:http"),
      ],
    },
  });
  await until(
    async () => {
      const response = await gateway.admin("/v1/discovery/kubernetes/status");
      const { clusters } = (await response.json()) as { clusters: { state: string }[] };
      return clusters.map(({ state }) => state).join() === "watching,watching,forbidden,unreachable";
    },
    { message: "all clusters are where they stay" },
  );
});

afterAll(async () => {
  await gateway.stop();
  await Promise.all([api.stop(), refusing.stop(), pods[Symbol.asyncDispose]()]);
});

async function explain(...argv: string[]): Promise<{ code: number; text: string; json: Explained }> {
  const told = world();
  const code = await told.run("explain", ...argv, "--admin", gateway.adminUrl);
  const machine = world();
  assertEquals(await machine.run("explain", ...argv, "--json", "--admin", gateway.adminUrl), code);
  assertEquals([...told.stderr, ...machine.stderr], []);
  return { code, text: told.stdout.join("\n"), json: JSON.parse(machine.stdout.join("\n")) };
}

/** Sends the request that was asked about, byte for byte; status and code of the problem it is answered with. */
async function send(method: string, url: string): Promise<string> {
  const [, host = "127.0.0.1", target = "/"] = /^(?:http:\/\/([^/]+))?(.*)$/.exec(url)!;
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname, () => {
    socket.write(`${method} ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  });
  let text = "";
  for await (const chunk of socket) text += chunk;
  const { status, code } = JSON.parse(text.slice(text.indexOf("\r\n\r\n"))) as { status: number; code: string };
  return `${status} ${code}`;
}

interface Cause {
  readonly cause: string;
  readonly argv: readonly string[];
  readonly answer: string;
  /** The cause, in the human output. */
  readonly says: RegExp;
}

const CAUSES: readonly Cause[] = [
  {
    cause: "no such service",
    argv: ["GET", "/absent"],
    answer: "503 service_unknown",
    says: /no EndpointSlice of service nothing in namespace default; services there: .*web/,
  },
  {
    cause: "no such port",
    argv: ["GET", "/port"],
    answer: "503 port_unknown",
    says: /no port https; ports: http \([0-9]+\)[\s\S]*port +https: there is none/,
  },
  {
    cause: "filtered by namespace",
    argv: ["GET", "/namespace"],
    answer: "503 service_unknown",
    says: /namespace hidden is filtered out by namespace_selector/,
  },
  {
    cause: "filtered by label",
    argv: ["GET", "/label"],
    answer: "503 service_unknown",
    says: /no EndpointSlice of service web in namespace default that matches label_selector team=red/,
  },
  {
    cause: "no endpoints",
    argv: ["GET", "/empty"],
    answer: "503 no_endpoints",
    says: /the service has no endpoints: it is scaled to zero, or no pod matches it/,
  },
  {
    cause: "none ready",
    argv: ["GET", "/unready"],
    answer: "503 no_endpoints",
    says: /none of 2 endpoints is ready[\s\S]*not used +10\.9\.9\.1:80 +not ready/,
  },
  {
    cause: "all terminating",
    argv: ["GET", "/leaving"],
    answer: "503 no_endpoints",
    says: /all 1 endpoints are terminating and serve no more[\s\S]*not used +10\.9\.9\.2:80 +terminating, and serves no more/,
  },
  {
    cause: "never synced",
    argv: ["GET", "/unsynced"],
    answer: "503 not_synced",
    says: /never synced: the state is unreachable[\s\S]*cluster +down: unreachable, never heard of/,
  },
  {
    cause: "forbidden",
    argv: ["GET", "/forbidden"],
    answer: "503 not_synced",
    says: /the state is forbidden.*needs a ClusterRole with apiGroups \[discovery\.k8s\.io\].*endpointslices.*\[list, watch\]/,
  },
  { cause: "no route", argv: ["GET", "/none"], answer: "404 no_route", says: /no route has this path/ },
  {
    cause: "method not matching",
    argv: ["POST", "/web/cart"],
    answer: "404 no_route",
    says: /nearest is web, but method: POST is not among GET/,
  },
  {
    cause: "host not matching",
    argv: ["GET", "http://shop.example.com/elsewhere"],
    answer: "404 no_route",
    says: /nearest is elsewhere, but host: shop\.example\.com is not among shop\.example\.org/,
  },
  {
    cause: "a path that is refused",
    argv: ["GET", "http://shop.example.org/x%00"],
    answer: "400 bad_request",
    says: /refused before a route is looked for: The path has an encoded control character/,
  },
  {
    cause: "too long a URL",
    argv: ["GET", `/web/${"x".repeat(9000)}`],
    answer: "414 url_too_long",
    says: /The path and query are longer than the gateway's limit/,
  },
];

describe("explain names the cause, and what a client gets for it", () => {
  test.each([...CAUSES])("$cause", async ({ argv, answer, says }) => {
    const { code, text, json } = await explain(...argv);
    assertEquals([code, `${json.verdict.status} ${json.verdict.code}`], [1, answer]);
    assertMatch(text, says);
    const [method = "", url = ""] = argv;
    assertEquals(await send(method, url), answer, "the gateway does what it said");
  });

  test("ejected: the address, until when, and the others that serve", async () => {
    const closed = await until(
      async () => {
        assertEquals((await gateway.fetch("/flaky")).status, 200);
        const { json } = await explain("/flaky");
        return json.services[0]!.excluded.find(({ host }) => host === "127.0.0.4");
      },
      { message: "it is ejected" },
    );
    assertMatch(closed.reason, /^ejected after failed requests until /);
    const left = Date.parse(closed.until!) - Date.now();
    assert(left > 30_000 && left <= 60_000, `${left} ms`);
    assertEquals([closed.slice, closed.conditions?.ready], ["flaky-2", true]);
    const { code, text, json } = await explain("/flaky");
    assertEquals([code, json.verdict.outcome, json.services[0]!.nodes.length], [0, "forward", 2]);
    assertMatch(text, /not used +127\.0\.0\.4:[0-9]+ +ejected after failed requests until 20/);

    const response = await gateway.admin("/v1/discovery/kubernetes/nodes?service=main/default/flaky:http&verbose=1");
    const { nodes } = (await response.json()) as { nodes: { host: string; ejection?: object }[] };
    assertEquals(
      nodes.map(({ host, ejection }) => [host, ejection]),
      [
        ["127.0.0.2", undefined],
        ["127.0.0.3", undefined],
        ["127.0.0.4", { until: closed.until, routes: ["flaky"] }],
      ],
    );
  });

  test("no cause: the node that the very next request gets, asked as often as one likes", async () => {
    for (let turn = 0; turn < 5; turn++) {
      await explain("/web/x");
      const { code, text, json } = await explain("/web/x");
      const { host, port } = json.services[0]!.nodes[0]!;
      assertEquals([code, json.route, json.upstream?.path], [0, "web", { sent: "/x", by: "strip_prefix" }]);
      assertMatch(text, new RegExp(`goes to ${host}:${port} \\(main/default/web:http\\)`));
      const pod = pods.all.find(({ ip }) => ip === host)!;
      assertEquals(await (await gateway.fetch("/web/x")).text(), pod.name);
      assertEquals(pod.received.at(-1)!.target, "/x");
    }
  });
});

describe("the command", () => {
  test("is the same from a shell: exit codes, and the question's own faults are bad input", async () => {
    const cases: [number, RegExp, string[]][] = [
      [0, /goes to 127\.0\.0\./, ["GET", "/web"]],
      [1, /404 no_route/, ["/"]],
      [2, /the URL begins with http/, ["GET", "nowhere"]],
      [2, /the client is an IP address/, ["/web", "--client", "somewhere"]],
      [2, /a header is written "name: value"/, ["/web", "-H", "s3cret"]],
      [2, /usage: podway explain/, []],
    ];
    await Promise.all(
      cases.map(async ([code, words, argv]) => {
        const found = await runCommand(["explain", ...argv, "--admin", gateway.adminUrl]);
        assertMatch(found.stdout + found.stderr, words);
        assertEquals([found.code, found.stderr.includes("s3cret")], [code, false]);
      }),
    );
  });

  test("asks the clusters by itself with --config, and knows the same", async () => {
    const [path] = [gateway.configFile];
    for (const { argv, answer } of CAUSES.filter(({ cause }) =>
      /port|ready|label|forbidden|synced|route/.test(cause),
    )) {
      const told = world();
      assertEquals(await told.run("explain", ...argv, "--json", "--config", path), 1);
      const { verdict } = JSON.parse(told.stdout.join("\n")) as Explained;
      assertEquals(`${verdict.status} ${verdict.code}`, answer);
    }
    const told = world();
    assertEquals(await told.run("explain", "/web/x", "--config", path), 0);
    assertMatch(told.stdout[1]!, /goes to 127\.0\.0\.[23]:/);
  });
});
