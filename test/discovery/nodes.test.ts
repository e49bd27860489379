import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createDiscovery } from "../../src/discovery/discovery.ts";
import { until } from "../helpers/wait.ts";
import { at, endpoints, follow, slice } from "./support.ts";

describe("the documents' worked example", () => {
  const object = endpoints("plat-dev", [[["10.5.10.109", "10.5.10.110"], "port", 3306]]);
  const nodes = [
    { host: "10.5.10.109", port: 3306, weight: 50 },
    { host: "10.5.10.110", port: 3306, weight: 50 },
  ];

  test("gives exactly two nodes of weight 50", async () => {
    await using followed = await follow([object], { watch_endpoint_slices: false });
    assertEquals(followed.discovery.query("default/plat-dev:port"), { service: "default/plat-dev:port", nodes });
  });

  test("gives the same with an id where there are several clusters", async () => {
    await using followed = await follow([object], { watch_endpoint_slices: false, id: "release" });
    const reference = "release/default/plat-dev:port";
    assertEquals(followed.discovery.query(reference), { service: reference, nodes });
  });

  test("is dumped in the documented shape", async () => {
    await using followed = await follow([object], { watch_endpoint_slices: false });
    const dumped = { name: "default/plat-dev", value: JSON.stringify({ port: nodes }) };
    assertEquals(followed.discovery.dump([]), { config: [], endpoints: [{ endpoints: [dumped] }] });
    await using second = await follow([object], { watch_endpoint_slices: false, id: "first" });
    assertEquals(second.discovery.dump({ a: 1 }), {
      config: { a: 1 },
      endpoints: [{ id: "first", endpoints: [dumped] }],
    });
  });
});

describe("EndpointSlices", () => {
  test("of one service are united, and deleting one takes only its own addresses", async () => {
    await using followed = await follow([
      slice("web-a", [at("10.0.0.1"), at("10.0.0.2")]),
      slice("web-b", [at("10.0.0.3")]),
      slice("web-a", [at("10.9.0.1")], { namespace: "other" }),
    ]);
    assertEquals(followed.addresses("default/web:http"), ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"]);
    followed.api.remove("EndpointSlice", "default", "web-a");
    await until(() => followed.addresses("default/web:http").length === 1, { message: "the slice is gone" });
    assertEquals(followed.addresses("default/web:http"), ["10.0.0.3:8080"]);
    assertEquals(followed.addresses("other/web:http"), ["10.9.0.1:8080"]);
  });

  test("that hold the same address are one backend, which stays while one of them has it ready", async () => {
    await using followed = await follow([
      slice("web-a", [at("10.0.0.1", { conditions: { ready: false } })]),
      slice("web-b", [at("10.0.0.1"), at("10.0.0.2")]),
      slice("web-c", [at("10.0.0.2"), at("10.0.0.1")]),
    ]);
    assertEquals(followed.discovery.query("default/web:http").nodes, [
      { host: "10.0.0.1", port: 8080, weight: 50 },
      { host: "10.0.0.2", port: 8080, weight: 50 },
    ]);
    followed.api.remove("EndpointSlice", "default", "web-c");
    followed.api.apply(slice("web-d", [at("10.0.0.3")]));
    await until(() => followed.addresses("default/web").length === 3, { message: "web-d has arrived" });
    assertEquals(followed.addresses("default/web"), ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"]);
  });

  test("without conditions get traffic; only an explicit ready false excludes", async () => {
    await using followed = await follow([
      slice("web-a", [
        at("10.0.0.1"),
        at("10.0.0.2", { conditions: {} }),
        at("10.0.0.3", { conditions: { ready: null } }),
        at("10.0.0.4", { conditions: { ready: false } }),
      ]),
    ]);
    assertEquals(followed.addresses("default/web"), ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"]);
  });

  test("use terminating endpoints that still serve only while none is ready", async () => {
    const leaving = at("10.0.0.1", { conditions: { ready: false, serving: true, terminating: true } });
    const gone = at("10.0.0.2", { conditions: { ready: false, serving: false, terminating: true } });
    await using followed = await follow([slice("web-a", [leaving, gone, at("10.0.0.3")])]);
    assertEquals(followed.addresses("default/web"), ["10.0.0.3:8080"]);
    followed.api.apply(slice("web-a", [leaving, gone]));
    const upstream = followed.discovery.upstream({ service: "web" });
    await until(() => upstream.endpoints()[0]?.host === "10.0.0.1", { message: "only terminating ones are left" });
    assertEquals(
      upstream.endpoints().map(({ address, terminating }) => [address, terminating]),
      [["10.0.0.1:8080", true]],
    );
    followed.api.apply(slice("web-a", [gone]));
    await until(() => upstream.endpoints().length === 0, { message: "none serves any more" });
    assertEquals(upstream.reason()?.code, "no_endpoints");
  });

  test("give a service of 1500 pods all of them", async () => {
    const slices = Array.from({ length: 15 }, (_, s) =>
      slice(
        `web-${s}`,
        Array.from({ length: 100 }, (_, e) => at(`10.1.${s}.${e}`, { pod: `web-${s}-${e}` })),
      ),
    );
    await using followed = await follow(slices);
    assertEquals(new Set(followed.addresses("default/web:http")).size, 1500);
    assertEquals(followed.cluster.status().endpoints, 1500);
  });

  test("of the beta version serve where the apiserver has no other", async () => {
    await using followed = await follow([], { watch_endpoint_slices: true }, { wait: false });
    followed.api.settings.sliceVersions = ["v1beta1"];
    followed.api.apply(slice("web-a", [at("10.0.0.1", { zone: "eu-1" })]));
    await until(() => followed.addresses("default/web").length === 1, { message: "v1beta1 is read" });
    const endpoint = followed.discovery.upstream({ service: "web" }).endpoints()[0]!;
    assertEquals([endpoint.address, endpoint.zone], ["10.0.0.1:8080", "eu-1"]);
  });

  test("with several addresses in one endpoint are one node each, the first, and say so", async () => {
    await using followed = await follow([slice("web-a", [{ addresses: ["10.0.0.1", "10.0.0.2"] }, at("10.0.0.3")])]);
    assertEquals(followed.addresses("default/web"), ["10.0.0.1:8080", "10.0.0.3:8080"]);
    const { notes } = followed.discovery.query("default/web", { verbose: true });
    assertEquals(notes, ["web-a: an endpoint has several addresses: the first is used, as in kube-proxy"]);
  });

  test("with one IPv6 address in several spellings are one node, written as RFC 5952 says", async () => {
    const spellings = ["fd00::1", "FD00:0:0:0:0:0:0:1", "fd00:0000::0001"];
    const parts = { addressType: "IPv6" };
    const objects = [
      slice(
        "web-a",
        spellings.map((spelling) => at(spelling)),
        parts,
      ),
      slice("web-b", [at("Fd00::0.0.0.1")], parts),
      endpoints("old", [[spellings, "http", 80]]),
    ];
    await using followed = await follow(objects);
    assertEquals(followed.addresses("default/web"), ["fd00::1:8080"]);
    await using older = await follow(objects, { watch_endpoint_slices: false });
    assertEquals(older.addresses("default/old"), ["fd00::1:80"]);
  });

  test("carry a weight by annotation, 0 included", async () => {
    await using followed = await follow(
      [
        slice("web-a", [at("10.0.0.1")], { annotations: { "podway.dev/weight": "10" } }),
        slice("web-b", [at("10.0.0.2")], { annotations: { "podway.dev/weight": "0" } }),
        slice("web-c", [at("10.0.0.3")], { annotations: { "podway.dev/weight": "a lot" } }),
      ],
      { default_weight: 33 },
    );
    const { nodes, notes } = followed.discovery.query("default/web", { verbose: true });
    assertEquals(
      nodes.map(({ weight }) => weight),
      [10, 0, 33],
    );
    assertEquals(notes, ["web-c: annotation podway.dev/weight is not a whole number from 0 to 999999: ignored"]);
  });

  describe("with zone hints", () => {
    const ALL = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    const hinted = (address: string, zone: string, fields: object = {}) =>
      at(address, { zone, hints: { forZones: [{ name: zone }] }, ...fields });
    const zones = [hinted("10.0.0.1", "a"), hinted("10.0.0.2", "b"), hinted("10.0.0.3", "a")];
    const unready = { conditions: { ready: false } };
    const terminating = { conditions: { ready: false, serving: true, terminating: true } };
    const cases: [
      what: string,
      zone: string | undefined,
      endpoints: object[],
      preferred: string[],
      others: string[],
    ][] = [
      ["those of the gateway's zone come first", "a", zones, ["10.0.0.1", "10.0.0.3"], ["10.0.0.2"]],
      ["all are alike where none is hinted to the zone", "c", zones, ALL, []],
      ["all are alike where the gateway has no zone", undefined, zones, ALL, []],
      ["all are alike where one lacks a hint", "a", [...zones.slice(0, 2), at("10.0.0.3", { zone: "b" })], ALL, []],
      [
        "all are alike where one has an empty hint",
        "a",
        [...zones.slice(0, 2), at("10.0.0.3", { hints: { forZones: [] } })],
        ALL,
        [],
      ],
      [
        "one that is not ready needs no hint",
        "a",
        [...zones.slice(0, 2), at("10.0.0.3", unready)],
        ["10.0.0.1"],
        ["10.0.0.2"],
      ],
      [
        "all are alike where the zone's own are not ready",
        "a",
        [hinted("10.0.0.1", "a", unready), ...zones.slice(1, 2), hinted("10.0.0.3", "b")],
        ["10.0.0.2", "10.0.0.3"],
        [],
      ],
      [
        "all are alike while only terminating ones are left",
        "a",
        [hinted("10.0.0.1", "a", terminating), hinted("10.0.0.2", "b", terminating)],
        ["10.0.0.1", "10.0.0.2"],
        [],
      ],
    ];
    for (const [what, zone, endpoints, preferred, others] of cases) {
      test(`none is hidden, and ${what}`, async () => {
        await using followed = await follow([slice("web-a", endpoints)], {}, { zone });
        const found = followed.discovery.upstream({ service: "default/web" }).endpoints();
        const hosts = (of: boolean) => found.filter((one) => one.preferred === of).map(({ host }) => host);
        assertEquals([hosts(true), hosts(false)], [preferred, others]);
        const { nodes } = followed.discovery.query("default/web", { verbose: true });
        const behind = nodes.filter((node) => "behind" in node && node.behind?.includes(`not hinted to zone ${zone}`));
        assertEquals(
          behind.map(({ host }) => host),
          others,
        );
      });
    }
  });
});

describe("IPv6 and dual stack", () => {
  const dual = [
    slice("web-4", [at("10.0.0.1", { pod: "one" }), at("10.0.0.2", { pod: "two" })]),
    slice("web-6", [at("fd00::1", { pod: "one" }), at("fd00::2", { pod: "two" }), at("fd00::3", { pod: "three" })], {
      addressType: "IPv6",
    }),
  ];

  test("make one backend of a pod that has both, of the family asked for", async () => {
    for (const [family, expected] of [
      ["any", ["10.0.0.1", "10.0.0.2", "fd00::3"]],
      ["ipv4", ["10.0.0.1", "10.0.0.2", "fd00::3"]],
      ["ipv6", ["fd00::1", "fd00::2", "fd00::3"]],
    ] as const) {
      await using followed = await follow(dual, { address_family: family });
      const hosts = followed.discovery.query("default/web").nodes.map(({ host }) => host);
      assertEquals(hosts, [...expected]);
    }
  });

  test("bracket IPv6 addresses and nothing else", async () => {
    await using followed = await follow([slice("web-6", [at("fd00::1")], { addressType: "IPv6" })]);
    const [endpoint] = followed.discovery.upstream({ service: "web" }).endpoints();
    assertEquals([endpoint!.host, endpoint!.address], ["fd00::1", "[fd00::1]:8080"]);
  });

  test("skip FQDN slices, saying so", async () => {
    await using followed = await follow([slice("web-f", [at("db.example.org")], { addressType: "FQDN" })]);
    const { nodes, code, reason } = followed.discovery.query("default/web");
    assertEquals([nodes.length, code], [0, "no_endpoints"]);
    assertEquals(reason?.includes("FQDN, which is not supported"), true);
  });
});

describe("nodes", () => {
  test("are sorted by host as text, then port", async () => {
    await using followed = await follow(
      [
        endpoints("web", [
          [["10.0.0.9", "10.0.0.10"], "http", 9000],
          [["10.0.0.9"], "http", 80],
        ]),
      ],
      { watch_endpoint_slices: false },
    );
    assertEquals(followed.addresses("web:http"), ["10.0.0.10:9000", "10.0.0.9:80", "10.0.0.9:9000"]);
  });

  test("of Endpoints leave out those that are not ready", async () => {
    const object = {
      ...endpoints("web", [[["10.0.0.1"], "http", 80]]),
      subsets: [{ addresses: [{ ip: "10.0.0.1" }], notReadyAddresses: [{ ip: "10.0.0.2" }], ports: [{ port: 80 }] }],
    };
    await using followed = await follow([object], { watch_endpoint_slices: false });
    const { nodes, excluded } = followed.discovery.query("default/web", { verbose: true });
    assertEquals(
      [nodes.map(({ host }) => host), excluded?.map(({ host, excluded: why }) => [host, why])],
      [["10.0.0.1"], [["10.0.0.2", "not ready"]]],
    );
  });

  test("are of another identity when a pod with another uid took over the address", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1", { pod: "old" })])]);
    const upstream = followed.discovery.upstream({ service: "web" });
    const before = upstream.endpoints();
    followed.api.apply(slice("web-a", [at("10.0.0.1", { pod: "new" })]));
    await until(() => upstream.endpoints() !== before, { message: "the new pod is seen" });
    assertEquals([before[0]!.uid, upstream.endpoints()[0]!.uid], ["uid-of-old", "uid-of-new"]);
    // A StatefulSet's pod keeps its name.
    const reborn = { kind: "Pod", namespace: "default", name: "new", uid: "uid-of-reborn" };
    followed.api.apply(slice("web-a", [at("10.0.0.1", { targetRef: reborn })]));
    await until(() => upstream.endpoints()[0]?.uid === "uid-of-reborn", { message: "the pod's new uid is seen" });
  });

  test("of clusters with one name and several ids do not mix", async () => {
    await using first = await follow([slice("web-a", [at("10.0.0.1")])], { id: "first" });
    await using second = await follow([slice("web-a", [at("10.0.0.2")])], { id: "second" });
    const discovery = createDiscovery({ clusters: [first.cluster, second.cluster], multi: true });
    const hosts = (service: string, cluster?: string) =>
      discovery
        .upstream({ service, cluster })
        .endpoints()
        .map(({ host }) => host);
    assertEquals(hosts("first/default/web"), ["10.0.0.1"]);
    assertEquals(hosts("web", "second"), ["10.0.0.2"]);
    assertEquals(hosts("first/default/web", "second"), ["10.0.0.1"]);
    assertEquals(discovery.upstream({ service: "first/default/web:http" }).name, "first/default/web:http");
  });
});
