import { describe, test } from "bun:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Explained, ExplainedService } from "../../../src/reports/explain/answer.ts";
import { oneCluster, slice } from "../../gateway/objects.ts";
import { startPods } from "../../gateway/pods.ts";
import { type ServedGateway, serve, world } from "../../gateway/support.ts";
import { serveEmbedded } from "../../helpers/embedded.ts";
import { until } from "../../helpers/wait.ts";

async function explain(gateway: ServedGateway, ...argv: string[]): Promise<Explained> {
  const { run, stdout } = world();
  await run("explain", ...argv, "--json", "--admin", gateway.adminUrl);
  return JSON.parse(stdout.join("\n"));
}

async function linesOf(gateway: ServedGateway, ...argv: string[]): Promise<string> {
  const { run, stdout } = world();
  await run("explain", ...argv, "--admin", gateway.adminUrl);
  return stdout.join("\n");
}

const hosts = (service: ExplainedService): string[] => service.nodes.map(({ host }) => host);

describe("how the port was found is told by the rule that found it", () => {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: { clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }] },
  };
  const cases: [Record<string, unknown>, string, string, number[]][] = [
    [{ service: "web:http" }, "name", "reference", [8080]],
    [{ service: "plain:7070" }, "unnamed_number", "reference", [7070]],
    [{ service: "web:80" }, "service_number", "reference", [8080]],
    [{ service: "web:9100" }, "named_number", "reference", [9100]],
    [{ service: "web", port_name: "metrics" }, "name", "port_name", [9100]],
    [{ service: "web", scheme: "https" }, "scheme", "scheme", [8443]],
    [{ service: "web", scheme: "http" }, "scheme", "scheme", [8080]],
    [{ service: "plain", scheme: "https" }, "first", "scheme", [7070]],
    [{ service: "web" }, "first", "nowhere", [9100]],
  ];

  test("in the order of the contract, in JSON and in words", async () => {
    await using api = await serveEmbedded();
    const ports = [
      { name: "metrics", port: 9100 },
      { name: "http", port: 8080 },
      { name: "https", port: 8443 },
    ];
    api.api.apply([service, slice("web", ["10.0.0.1"], ports), slice("plain", ["10.0.0.2"], { port: 7070 })]);
    const routes = cases.map(([route], index) => ({ id: `r${index}`, path: `/${index}`, ...route }));
    await using gateway = await serve(oneCluster(api, routes, { resolve_service_ports: true }));
    for (const [index, [route, by, from, numbers]] of cases.entries()) {
      const { port } = (await explain(gateway, `/${index}`)).services[0]!;
      assertEquals(
        [port?.by, port?.from, port?.ports.map((one) => one.port)],
        [by, from, numbers] as [typeof port extends undefined ? never : "name", "reference", number[]],
        JSON.stringify(route),
      );
    }
    assertMatch(await linesOf(gateway, "/2"), /port +80: the Service's own port number, http \(8080\)/);
    assertMatch(await linesOf(gateway, "/4"), /port +metrics \(the route's port_name\): the name of an endpoint port/);
    assertMatch(await linesOf(gateway, "/8"), /port +not named: the first port, metrics \(9100\)/);
  });
});

describe("who gets the request", () => {
  test("by a hash of a header, by a cookie, by chance, and by whose share it is", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(3);
    const ips = pods.all.map(({ ip }) => ip);
    api.api.apply([slice("web", ips, pods.port), slice("empty", [], 80)]);
    const route = (id: string, more: object): object => ({ id, path: `/${id}`, service: "web", ...more });
    await using gateway = await serve(
      oneCluster(api, [
        route("hash", { balancer: { consistent_hash: { header: "x-user" } } }),
        route("ip", { balancer: { consistent_hash: { client_ip: true } } }),
        route("sticky", { balancer: { sticky_cookie: { name: "at" } } }),
        route("chance", { balancer: "random" }),
        route("load", { balancer: "least_requests" }),
        route("split", {
          service: undefined,
          services: [
            { service: "web", weight: 9 },
            { service: "empty", weight: 1 },
            { service: "nobody", weight: 0 },
          ],
        }),
      ]),
    );
    const podOf = async (path: string, headers: Record<string, string>): Promise<string> => {
      const name = await (await gateway.fetch(path, { headers })).text();
      return pods.all.find((pod) => pod.name === name)!.ip;
    };
    const seen = new Set<string>();
    for (const user of Array.from({ length: 12 }, (_, n) => `somebody-${n}`)) {
      const told = await explain(gateway, "/hash", "-H", `X-User: ${user}`);
      const [service] = told.services;
      assertEquals(service!.balancing, { policy: "consistent_hash", by: "key", key: "header x-user" });
      assertEquals(await podOf("/hash", { "x-user": user }), hosts(service!)[0]!);
      assertEquals(JSON.stringify(told).includes(user), false, "header values are not told again");
      seen.add(hosts(service!)[0]!);
    }
    assert(seen.size > 1, "users are spread");
    const nobody = (await explain(gateway, "/hash")).services[0]!;
    assertEquals(nobody.balancing.by, "client");
    assertEquals(await podOf("/hash", {}), hosts(nobody)[0]!);
    assertMatch(await linesOf(gateway, "/hash"), /the request has no such header: the first, by the client's address/);
    const here = await explain(gateway, "/ip");
    assertEquals([here.request.client, await podOf("/ip", {})], ["127.0.0.1", hosts(here.services[0]!)[0]!]);
    assertEquals((await explain(gateway, "/ip", "--client", "10.1.2.3")).request.client, "10.1.2.3");

    const first = await gateway.fetch("/sticky");
    const cookie = first.headers.get("set-cookie")!.split(";")[0]!;
    const name = await first.text();
    const sticky = (await explain(gateway, "/sticky", "-H", `cookie: ${cookie}`)).services[0]!;
    assertEquals([sticky.balancing.by, hosts(sticky)[0]], ["cookie", pods.all.find((pod) => pod.name === name)!.ip]);

    const chance = await explain(gateway, "/chance");
    assertMatch(chance.verdict.summary, /^goes to one of 3 nodes of default\/web$/);
    assertEquals((await explain(gateway, "/load")).services[0]!.balancing.by, "load");

    const { run, stdout } = world();
    assertEquals(await run("explain", "/split", "--admin", gateway.adminUrl), 1, "a part of it is refused");
    assertMatch(stdout[1]!, /90 % goes to 127\.0\.0\..*; 10 % 503 no_endpoints: the service has no endpoints/);
    const split = await explain(gateway, "/split");
    assertEquals([split.verdict.outcome, split.services.map(({ share }) => share)], ["depends", [0.9, 0.1, 0]]);
  });

  test("by priorities: what waits is told, and a client's cookie says which of several services it means", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    const [one, two] = pods.all.map(({ ip }) => ip) as [string, string];
    api.api.apply([slice("main", [one], pods.port), slice("spare", [two], pods.port)]);
    const services = [{ service: "spare", priority: -1 }, { service: "main" }];
    const nodes = [
      { host: one, port: pods.port, priority: 1 },
      { host: two, port: pods.port },
    ];
    const both = [{ service: "main" }, { service: "spare" }];
    await using gateway = await serve(
      oneCluster(api, [
        { id: "services", path: "/services", services },
        { id: "nodes", path: "/nodes", nodes },
        { id: "sticky", path: "/sticky", services: both, balancer: { sticky_cookie: { name: "at" } } },
      ]),
    );
    const stateOf = async () =>
      (await explain(gateway, "/services")).services.map(({ reference, priority, inUse, share }) => {
        return [reference, priority, inUse, share];
      });
    assertEquals(await stateOf(), [
      ["default/spare", -1, false, 0],
      ["default/main", 0, true, 1],
    ]);
    assertMatch(await linesOf(gateway, "/services"), /service default\/spare +waits: priority -1/);
    const page = await (await fetch(`${gateway.adminUrl}/?url=http://a.test/services`)).text();
    assertMatch(page, /default\/spare<\/span><span class="soft"> waits: priority -1<\/span>/);
    api.api.apply(slice("main", [], pods.port));
    await until(async () => (await stateOf())[0]![2] === true, { message: "the lower priority is in use" });
    assertEquals(
      (await stateOf()).map(([, , inUse]) => inUse),
      [true, false],
    );
    assertMatch((await explain(gateway, "/services")).verdict.summary, /goes to 127.0.0.3:\d+ \(default\/spare\)$/);

    const [service] = (await explain(gateway, "/nodes")).services;
    assertEquals(
      [service!.nodes[0]!.priority, service!.excluded.map(({ host, reason }) => [host, reason])],
      [1, [[two, "priority 0: used while no node of a higher one takes traffic, and for last tries"]]],
    );

    api.api.apply(slice("main", [one], pods.port));
    await until(async () => (await stateOf())[1]![2] === true, { message: "the higher priority is in use again" });
    const first = await gateway.fetch("/sticky");
    const cookie = first.headers.get("set-cookie")!.split(";")[0]!;
    const told = await explain(gateway, "/sticky", "-H", `Cookie: ${cookie}`);
    const chosen = told.services.filter((one) => one.chosen).map(({ reference }) => reference);
    assertEquals(chosen, [(await first.text()) === "pod-1" ? "default/main" : "default/spare"]);
    assertEquals(
      (await explain(gateway, "/sticky")).services.map((one) => one.chosen),
      [undefined, undefined],
    );
  });

  test("not those of another family, a second slice, or a weight of 0, and those of another zone come second", async () => {
    await using api = await serveEmbedded();
    const pod = (ip: string, name: string, zone: string): object => ({
      addresses: [ip],
      conditions: { ready: true },
      zone,
      hints: { forZones: [{ name: zone }] },
      targetRef: { kind: "Pod", namespace: "default", name, uid: `uid-${name}` },
    });
    const drained = { metadata: { annotations: { "podway.dev/weight": "0" }, name: "light-2", namespace: "default" } };
    api.api.apply([
      slice("web", [pod("10.0.0.1", "a", "north"), pod("10.0.0.2", "b", "south")] as never, 80),
      slice("web", [pod("10.0.0.1", "a", "north")] as never, 80, { suffix: "copy" }),
      slice("web", [pod("fd00::1", "a", "north")] as never, 80, { suffix: "six", addressType: "IPv6" }),
      slice("light", ["10.0.0.3"], 80),
      slice("light", ["10.0.0.4"], 80, {
        suffix: "2",
        metadata: { ...drained.metadata, labels: { "kubernetes.io/service-name": "light" } },
      }),
    ]);
    const routes = ["web", "light"].map((id) => ({ id, path: `/${id}`, service: id }));
    await using gateway = await serve({ ...oneCluster(api, routes), server: { zone: "north" } });
    const web = (await explain(gateway, "/web")).services[0]!;
    const ofOtherZone = [...web.nodes, ...web.excluded].find(({ host }) => host === "10.0.0.2")!;
    assertStringIncludes(JSON.stringify(ofOtherZone), "not hinted to zone north, and others are");
    assertEquals(hosts(web).includes("10.0.0.1"), true);
    const leftOut = web.excluded.filter((node) => node !== ofOtherZone);
    assertEquals(leftOut.map(({ host, slice, reason }) => [host, slice, reason]).sort(), [
      ["10.0.0.1", "web-copy", "the same address and port is in another slice"],
      ["fd00::1", "web-six", "the pod's IPv4 address is used"],
    ]);
    const light = (await explain(gateway, "/light")).services[0]!;
    assertEquals(
      [hosts(light), light.excluded.map(({ reason }) => reason)],
      [["10.0.0.3"], ["its weight is 0, and others have some"]],
    );
  });
});

describe("of a hundred routes", () => {
  test("the terminal shows those that matter, in their order; --verbose and --json have all", async () => {
    const other = (index: number): object => ({
      id: `r${index}`,
      path: `/other/${index}`,
      priority: 1,
      nodes: [{ host: "127.0.0.1", port: 1 }],
    });
    const node = { nodes: [{ host: "127.0.0.1", port: 1 }] };
    const routes = [
      ...Array.from({ length: 100 }, (_, index) => other(index)),
      { id: "wanted", path: "/wanted", methods: ["GET"], ...node },
      { id: "rest", path: "/", ...node },
    ];
    await using gateway = await serve({ routes });
    const text = await linesOf(gateway, "/wanted");
    assertMatch(
      text,
      /- +r10 .*[\s\S]*> +wanted +takes the request\n +- +rest +matches, but wanted comes first\n.*and 82 more/,
    );
    assertMatch(await linesOf(gateway, "POST", "/wanted"), /- +wanted +method: POST is not among GET\n +> +rest/);
    assertEquals((await explain(gateway, "/wanted")).routes.length, 102);
    assertEquals((await linesOf(gateway, "/wanted", "--verbose")).includes("r99"), true);
  });
});

describe("what answers in place of an upstream", () => {
  test("is named: redirects, middleware by its status and never by its options, requests no proxy carries", async () => {
    const secret = "LEAK-secret-of-a-middleware";
    await using gateway = await serve({
      routes: [
        { id: "away", path: "/away", redirect: { scheme: "https", host: "new.example.org", status: 301 } },
        {
          id: "own",
          path: "/own",
          nodes: [{ host: "127.0.0.1", port: 1 }],
          middleware: [
            { jwt: { secret, alg: "HS256" } },
            { secure_headers: {} },
            { body_limit: { max_size: 10 } },
            { rate_limit: { limit: 5, window: 1000, status: 503 } },
          ],
          request_headers: { set: { "x-secret-key": secret }, remove: ["x-debug"] },
          rewrite_path: { regex: "^/own/(.*)$", to: "/$1" },
          timeouts: { response: 1234 },
          retries: { attempts: 3, on: ["connect", "reset", 503] },
        },
      ],
    });
    const away = await explain(gateway, "http://old.example.org/away?x=1");
    assertEquals(
      [away.verdict.outcome, away.verdict.status, away.verdict.location, away.services],
      ["redirect", 301, "https://new.example.org/away?x=1", []],
    );
    const own = await explain(gateway, "POST", "/own/a/b", "-H", "content-length: 4");
    assertEquals(own.middleware, [
      { name: "jwt", answers: "401 without a valid token" },
      { name: "secure_headers" },
      { name: "body_limit", answers: "413 above its size" },
      { name: "rate_limit", answers: "503 above its limit" },
    ]);
    assertEquals(own.upstream?.path, { sent: "/a/b", by: "rewrite_path" });
    assertEquals(own.upstream?.request_headers, { set: ["x-secret-key"], add: [], remove: ["x-debug"] });
    assertEquals([own.upstream?.timeouts.response, own.upstream?.retries.applies], [1234, ["connect"]]);
    assertMatch(
      own.verdict.summary,
      /^goes to 127\.0\.0\.1:1 \(own\), unless middleware answers first \(jwt, body_limit/,
    );
    const codes = await Promise.all(
      [
        ["POST", "/own/a", "-H", "content-length: 11"],
        ["POST", "/own/a", "-H", "content-type: application/grpc"],
        ["GET", "/own/a", "-H", "content-length: 1"],
        ["GET", "/own/a", "-H", "host: two words"],
      ].map(async (argv) => (await explain(gateway, ...argv)).verdict.code),
    );
    assertEquals(codes, ["body_too_large", "not_supported", "not_supported", "bad_request"]);
    const told = [JSON.stringify([away, own]), await linesOf(gateway, "POST", "/own/a/b")].join("\n");
    assertEquals(told.includes(secret), false);
  });
});
