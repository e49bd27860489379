import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parse } from "yaml";
import { withoutComments } from "../../../src/import/ocelot/json.ts";
import { ocelot } from "../../../src/import/ocelot/ocelot.ts";
import { runImporter } from "../../../src/import/run-importer.ts";
import { filesOf, imported, routeFrom } from "./support.ts";

/** A route's path and how it is rewritten. */
function paths(up: string, down: string, more: object = {}): unknown[] {
  const { route, told } = routeFrom({ UpstreamPathTemplate: up, DownstreamPathTemplate: down, ...more });
  const { path, strip_prefix, rewrite_path, request_query, query } = route;
  return [path, strip_prefix ?? rewrite_path ?? null, ...[query, request_query].filter(Boolean), ...told];
}

describe("templates", () => {
  const exactly = { RouteIsCaseSensitive: true };
  const cases: readonly (readonly [up: string, down: string, made: unknown[]])[] = [
    ["/a", "/a", [{ exact: "/a" }, null]],
    ["/a", "/b/", [{ exact: "/a" }, { replace: "/b" }]],
    ["/a/", "/b", [{ template: "/a", optional_slash: true }, { replace: "/b" }]],
    ["/{x}", "/{x}", ["/", null]],
    ["/{x}", "/api/{x}", ["/", { replace_prefix: "/api" }]],
    ["/a/{x}", "/a/{x}", ["/a", null]],
    ["/a/{x}", "/{x}", ["/a", "/a"]],
    ["/a/{x}", "/b", ["/a", { replace: "/b" }]],
    ["/a/{x}", "/b/{x}/c", [{ template: "/a/{x*}" }, { template: "/b/{x}/c" }]],
    ["/{a}/b/{c}", "/{c}/{a}", [{ template: "/{a}/b/{c*}" }, { template: "/{c}/{a}" }]],
    ["/v{api-version}/x", "/x", [{ template: "/v{api-version}/x" }, { replace: "/x" }]],
    ["/{1}/x/{a b}", "/{a b}/{1}", [{ template: "/{part1}/x/{part2*}" }, { template: "/{part2}/{part1}" }]],
    ["/a/{x}/b/", "/c/{x}", [{ template: "/a/{x}/b", optional_slash: true }, { template: "/c/{x}" }]],
    ["/a/{b}", "/{b}?x={b}", [{ template: "/a/{b*}" }, { template: "/{b}" }, { set: { x: "{b}" } }]],
    ["/a/{b}", "/c?x={b}", [{ template: "/a/{b*}" }, { replace: "/c" }, { set: { x: "{b}" } }]],
    ["/odata/Products({key})", "/p/{key}", [{ template: "/odata/Products({key*})" }, { template: "/p/{key}" }]],
    [
      "/a?b={c}&d=1",
      "/x/{c}",
      [{ template: "/a", optional_slash: true }, { template: "/x/{query.b}" }, { b: { present: true }, d: "1" }],
    ],
  ];
  for (const [up, down, made] of cases) {
    test(`${up} to ${down}`, () => {
      const [path, rewrite, ...rest] = made;
      assertEquals(paths(up, down, exactly), [path, rewrite, ...rest]);
    });
  }

  test("match in any case unless told not to", () => {
    assertEquals(paths("/A/{x}", "/{x}"), [{ prefix: "/A", ignore_case: true }, "/A"]);
    assertEquals(paths("/a", "/a"), [{ exact: "/a", ignore_case: true }, { replace: "/a" }]);
    assertEquals(paths("/1", "/1"), [{ exact: "/1" }, null]);
  });

  test("that are none are told, and their routes refuse what they may have been for", () => {
    for (const [template, path] of [
      ["a", { starts_with: "/a", ignore_case: true }],
      ["/{a}/{a}", { template: "/{part1}/{part5*}" }],
      ["/a}", { starts_with: "/a", ignore_case: true }],
      ["/a#b", { starts_with: "/a", ignore_case: true }],
    ] as const) {
      const { route, told } = routeFrom({ UpstreamPathTemplate: template });
      assertEquals(
        [route.path, route.nodes, told.length],
        [path, [{ host: "left-out.invalid", port: 80 }], 1],
        template,
      );
    }
  });

  test("with a placeholder that comes from nowhere leave the path as it is, which is told", () => {
    assertEquals(paths("/a", "/b/{c}"), [
      { exact: "/a", ignore_case: true },
      null,
      "Routes[0].DownstreamPathTemplate: a placeholder of it stands in no template that requests are matched with: the path stays as it is",
    ]);
  });
});

describe("the order of routes", () => {
  const order = (...routes: object[]): unknown[] => {
    const whole = routes.map((route) => ({
      DownstreamPathTemplate: "/",
      DownstreamHostAndPorts: [{ Host: "a", Port: 1 }],
      RouteIsCaseSensitive: true,
      ...route,
    }));
    const { gateway } = imported([{ name: "o.json", content: JSON.stringify({ Routes: whole }) }]);
    return [...gateway.matchAll(/^ {2}- (?:priority: ([0-9]+))?/gm)].map(([, priority]) => Number(priority ?? 0));
  };

  test("needs no priority where ours is the same", () => {
    assertEquals(order({ UpstreamPathTemplate: "/a/{x}" }, { UpstreamPathTemplate: "/{x}" }), [0, 0]);
    assertEquals(order({ UpstreamPathTemplate: "/a" }, { UpstreamPathTemplate: "/b/{x}" }), [0, 0]);
  });

  test("is Priority's, then the file's", () => {
    assertEquals(order({ UpstreamPathTemplate: "/a/{x}" }, { UpstreamPathTemplate: "/a/b" }), [1, 0]);
    assertEquals(order({ UpstreamPathTemplate: "/a/{x}", Priority: 0 }, { UpstreamPathTemplate: "/a/b" }), [0, 0]);
    assertEquals(order({ UpstreamPathTemplate: "/a" }, { UpstreamPathTemplate: "/{x}", Priority: 9 }), [0, 0]);
    assertEquals(order({ UpstreamPathTemplate: "/a/b" }, { UpstreamPathTemplate: "/a/{x}", Priority: 7 }), [0, 1]);
  });

  test("looks at hosts first, as Ocelot does", () => {
    const host = { UpstreamHost: "x.example" };
    assertEquals(order({ UpstreamPathTemplate: "/a", Priority: 9 }, { UpstreamPathTemplate: "/{x}", ...host }), [0, 0]);
  });
});

describe("what differs is told", () => {
  const told = (route: object, global: object = {}): string[] => routeFrom(route, global).told;

  test("another provider than Kubernetes", () => {
    assertEquals(told({ ServiceName: "x" }, { ServiceDiscoveryProvider: { Type: "Consul", Host: "a" } }), [
      "GlobalConfiguration.ServiceDiscoveryProvider: services are found in Kubernetes only: Kube, PollKube and WatchKube are carried over",
    ]);
  });

  test("--use-host takes the apiserver's address over", () => {
    const content = JSON.stringify({
      Routes: [{ UpstreamPathTemplate: "/a", DownstreamPathTemplate: "/", ServiceName: "a" }],
      GlobalConfiguration: {
        ServiceDiscoveryProvider: { Scheme: "https", Host: "10.1.1.1", Port: 6443, Token: "abc", Type: "Kube" },
      },
    });
    const { gateway, leftovers, faults } = imported([{ name: "o.json", content }], (name) => name === "use-host");
    assertEquals([leftovers, faults], [[], []]);
    assert(
      gateway.includes("service: { schema: https, host: 10.1.1.1, port: 6443 }") || gateway.includes("host: 10.1.1.1"),
    );
    assert(gateway.includes("token: abc"));
  });

  test("a file that is none of Ocelot's", () => {
    const result = runImporter(ocelot, [{ name: "x.json", content: '{"a": 1}' }]);
    assert(!result.ok);
    assert(result.issues[0]!.message.startsWith("this is not Ocelot's configuration"));
  });

  test("a file that is no JSON, with its place", () => {
    const result = runImporter(ocelot, [{ name: "x.json", content: '{\n  "Routes": [\n' }]);
    assert(!result.ok);
    assertEquals(result.issues[0]!.file, "x.json");
  });

  test("comments and closing commas are no part of it, and texts with slashes keep them", () => {
    const content =
      '{\n // a\n "Routes": [ /* b\n */ {"UpstreamPathTemplate": "/a//b", "DownstreamPathTemplate": "/", "DownstreamHostAndPorts": [{"Host": "a", "Port": 1,},],},],\n}';
    const { gateway, leftovers } = imported([{ name: "o.json", content }]);
    assertEquals(leftovers, []);
    assert(gateway.includes("exact: /a//b"));
    assert(gateway.includes("o.json:4 Routes[0]"));
  });
});

/** Every leaf of a value, by its path as messages have it. */
function leavesOf(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) return [path];
  return Object.entries(value).flatMap(([key, child]) =>
    leavesOf(child, Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`),
  );
}

test("every leaf is carried over or told: a key nobody knows is told, wherever it stands", async () => {
  const plain = parse(withoutComments((await filesOf("everything"))[0]!.content)) as object;
  const mappings: object[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if (!Array.isArray(value)) mappings.push(value);
    Object.values(value).forEach(walk);
  };
  walk(plain);
  for (const mapping of mappings) {
    const free = new Set(["UpstreamHeaderTemplates", "UpstreamHeaderTransform", "DownstreamHeaderTransform"]);
    const name = "Zzz";
    (mapping as Record<string, unknown>)[name] = "1";
    const { leftovers, gateway } = imported([{ name: "o.json", content: JSON.stringify(plain) }]);
    delete (mapping as Record<string, unknown>)[name];
    const place = leavesOf({ ...plain }).length > 0;
    const inMapping = [...free].some(
      (key) => (plain as { Routes: Record<string, unknown>[] }).Routes[0]![key] === mapping,
    );
    const told = leftovers.some(({ path, message }) => path.endsWith(name) || !message.startsWith("the gateway has"));
    assert(place && (inMapping ? gateway.includes(name) : told), JSON.stringify(mapping).slice(0, 80));
  }
});

const ODD: readonly unknown[] = [
  ...[
    "",
    "x",
    "/",
    "/{a}",
    "/{a}/{a}",
    "/a?{b}",
    "${X}",
    "1s",
    "Kube",
    "PollKube",
    "http",
    "-1",
    "true",
    "a, b",
    "{BaseUrl}",
    ",",
    "é\n",
  ],
  ...[
    0,
    -1,
    1,
    1.5,
    1e21,
    70_000,
    true,
    false,
    null,
    [],
    {},
    [1],
    ["a", null],
    [[]],
    { a: {} },
    [{ Host: 1 }],
    { Type: {} },
  ],
];

type Path = (string | number)[];

function placesIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, item]) =>
    placesIn(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return [path, ...inner];
}

test("odd values never crash it, what it makes is accepted, and nothing is dropped without a word", async () => {
  const names = [
    "everything",
    "transformations",
    "rate-limits",
    "port-names",
    "hosts-and-headers",
    "queries",
    "balancing",
  ];
  const seeds = await Promise.all(
    names.map(async (name) => {
      return parse(withoutComments((await filesOf(name))[0]!.content)) as object;
    }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(...ODD)), { minLength: 1, maxLength: 3 }),
      (seed, changes) => {
        const made = structuredClone(seed) as Record<string | number, unknown>;
        for (const [at, value] of changes) {
          const places = placesIn(made).filter((path) => path.length > 0);
          const path = places[at % places.length]!;
          const holder = path
            .slice(0, -1)
            .reduce<unknown>((inner, part) => (inner as Record<string | number, unknown>)[part], made);
          (holder as Record<string | number, unknown>)[path.at(-1)!] = structuredClone(value);
        }
        const content = JSON.stringify(made);
        const result = runImporter(ocelot, [{ name: "o.json", content }]);
        if (!result.ok) return;
        assertEquals(result.faults, [], content);
      },
    ),
    { numRuns: 250 },
  );
});
