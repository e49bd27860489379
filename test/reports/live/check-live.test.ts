import { afterAll, beforeAll, describe, test } from "bun:test";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertLess, assertLessOrEqual, assertMatch, assertStringIncludes } from "@std/assert";
import { parseAllDocuments } from "yaml";
import type { ClusterReport, LiveReport } from "../../../src/reports/live/report.ts";
import { clusterBlock, oneCluster, slice } from "../../gateway/objects.ts";
import { world } from "../../gateway/support.ts";
import { closedPort } from "../../helpers/closed-port.ts";
import { type ServedApiserver, serveEmbedded } from "../../helpers/embedded.ts";

let folder: string;
let api: ServedApiserver;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "podway-live-"));
  api = await serveEmbedded();
  api.api.apply([
    slice("shop/web", ["10.0.0.1", "10.0.0.2"], 80),
    slice(
      "shop/two",
      ["10.0.0.3"],
      [
        { name: "http", port: 80 },
        { name: "admin", port: 81 },
      ],
    ),
    slice("shop/unready", [{ addresses: ["10.0.0.4"], conditions: { ready: false } }], 80),
  ]);
});

afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true });
});

interface Checked {
  readonly code: number;
  readonly text: string;
  readonly stderr: string;
  readonly live: LiveReport;
}

/** Runs `check --live` for people and for machines. */
async function checkLive(config: object, ...argv: string[]): Promise<Checked> {
  const file = join(folder, "gateway.yaml");
  await writeFile(file, JSON.stringify(config));
  const [told, machine] = [world(), world()];
  const [code, same] = await Promise.all([
    told.run("check", file, "--live", ...argv),
    machine.run("check", file, "--live", "--json", ...argv),
  ]);
  assertEquals(same, code);
  const { live } = JSON.parse(machine.stdout.join("\n")) as { live: LiveReport };
  return { code, text: told.stdout.join("\n"), stderr: told.stderr.join("\n"), live };
}

const only = ({ live }: Checked): ClusterReport => {
  assertEquals(live.clusters.length, 1);
  return live.clusters[0]!;
};

const objectsIn = (yaml: string): Record<string, unknown>[] =>
  parseAllDocuments(yaml).map((document) => document.toJS() as Record<string, unknown>);

describe("check --live of a cluster that is as it should be", () => {
  test("says what it found of the cluster, of each route and of each stream, and exits 0", async () => {
    const routes = [
      { id: "web", path: "/", service: "shop/web:http" },
      { id: "split", path: "/s", services: [{ service: "shop/web:80" }, { service: "shop/two:admin" }] },
      { id: "own", path: "/own", nodes: [{ host: "10.0.0.9", port: 80 }] },
      { id: "away", path: "/away", redirect: { path: "/" } },
    ];
    const streams = [{ id: "db", listen: "127.0.0.1:13306", service: "shop/web:http" }];
    const found = await checkLive({ ...oneCluster(api, routes), streams });
    assertEquals([found.code, found.live.ok, found.stderr], [0, true, ""]);
    const { server, tls, version, slices, user, clockAhead, rights, rules, faults, warnings } = only(found);
    assertEquals([server, tls, version, slices], [api.url, "none", "v1.32.0", ["v1"]]);
    assertEquals([user, rules, faults, warnings], ["system:serviceaccount:default:podway", [], [], []]);
    // The apiserver's Date has no fractions of a second.
    assertLessOrEqual(Math.abs(clockAhead ?? Number.NaN), 1);
    const right = { group: "discovery.k8s.io", resource: "endpointslices", namespace: null, allowed: true };
    assertEquals(rights, [
      { verb: "list", ...right },
      { verb: "watch", ...right },
    ]);
    assertEquals(
      found.live.services.map(({ usedBy, reference, nodes, port }) => [usedBy, reference, nodes, port?.by]),
      [
        ["route web", "shop/web:http", 2, "name"],
        ["route split", "shop/web:80", 2, "named_number"],
        ["route split", "shop/two:admin", 1, "name"],
        ["stream db", "shop/web:http", 2, "name"],
      ],
    );
    assertMatch(found.text, /ok +may list, watch endpointslices in all namespaces/);
    assertMatch(found.text, /route web to shop\/web:http\n +ok +2 nodes, port 80 by the name of an endpoint port/);
    assertEquals(api.api.openWatches.length, 0, "nothing is left running");
  });

  test("warns where no port is named and several are there", async () => {
    const { code, text } = await checkLive(oneCluster(api, [{ service: "shop/two" }]));
    assertEquals(code, 0);
    assertMatch(text, /warning +no port is named, and the first of several is taken: http \(80\), admin \(81\)/);
  });

  test("looks in mode request too, with the rights that takes", async () => {
    const found = await checkLive(oneCluster(api, [{ service: "shop/web:http" }], { mode: "request" }));
    assertEquals([found.code, found.live.services[0]!.nodes], [0, 2]);
    assertEquals(
      only(found).rights.map(({ verb }) => verb),
      ["list"],
    );
  });
});

describe("check --live of services that are not there", () => {
  test("gives each the reason that nodes gives, and exits 1", async () => {
    const services = ["shop/wbe:http", "shop/web:https", "shop/unready:http", "elsewhere/web"];
    const found = await checkLive(
      oneCluster(
        api,
        services.map((service, index) => ({ id: `r${index}`, path: `/${index}`, service })),
      ),
    );
    assertEquals([found.code, found.live.ok], [1, false]);
    assertEquals(
      found.live.services.map(({ code, nodes }) => [code, nodes]),
      [
        ["service_unknown", 0],
        ["port_unknown", 0],
        ["no_endpoints", 0],
        ["service_unknown", 0],
      ],
    );
    assertMatch(found.text, /route r0 to shop\/wbe:http\n +NO +no EndpointSlice of service wbe.*there: .*web/);
    assertMatch(found.text, /none of 1 endpoints is ready/);
  });

  test("a file that is not valid is not asked about: exit code 2", async () => {
    const file = join(folder, "bad.yaml");
    await writeFile(file, "routes: [{servce: a}]\n");
    const { run, stdout } = world();
    assertEquals(await run("check", file, "--live", "--json"), 2);
    assertEquals("live" in JSON.parse(stdout.join("")), false);
    assertEquals(await world().run("check", file, "--live", "--timeout", "soon"), 2);
  });
});

describe("check --live of rights that are missing", () => {
  test("names them, and prints the ClusterRole and its binding to apply", async () => {
    api.api.settings.authorize = (verb) => verb !== "watch";
    try {
      const found = await checkLive(oneCluster(api, []));
      assertEquals(found.code, 1);
      assertEquals(only(found).faults, ["may not watch endpointslices.discovery.k8s.io in all namespaces"]);
      const objects = objectsIn(found.text.slice(found.text.indexOf("apiVersion:")));
      assertEquals(objects, only(found).rules as object[] as Record<string, unknown>[]);
      assertEquals(
        objects.map(({ kind }) => kind),
        ["ClusterRole", "ClusterRoleBinding"],
      );
      assertEquals(objects[0]!.rules, [
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
      ]);
      assertEquals(objects[1]!.subjects, [{ kind: "ServiceAccount", name: "podway", namespace: "default" }]);
    } finally {
      api.api.settings.authorize = undefined;
    }
  });

  test("asks for a Role only in the namespaces that lack one; --rules leaves standard output to kubectl", async () => {
    api.api.settings.authorize = (_verb, _resource, namespace) => namespace !== "closed";
    try {
      const settings = { namespaces: ["shop", "closed"], watch_endpoint_slices: false };
      const found = await checkLive(oneCluster(api, [{ service: "shop/web" }], settings), "--rules");
      assertEquals(
        objectsIn(found.text).map(({ kind, metadata }) => [kind, (metadata as { namespace: string }).namespace]),
        [
          ["Role", "closed"],
          ["RoleBinding", "closed"],
        ],
      );
      assertMatch(found.stderr, /may not list, watch endpoints in namespace closed/);
    } finally {
      api.api.settings.authorize = undefined;
    }
  });

  test("knows the user without a SelfSubjectReview: by the token, else by what a refusal says", async () => {
    const none = api.api.faults.add({
      match: ({ path }) => path.startsWith("/apis/authentication.k8s.io"),
      effect: { kind: "status", code: 404 },
    });
    api.api.settings.authorize = () => false;
    api.api.settings.user = "gateway";
    try {
      const named = await checkLive(oneCluster(api, [], { client: { token: "no-jwt" } }));
      assertEquals(only(named).user, "gateway");
      assertEquals((only(named).rules[1] as { subjects?: object[] }).subjects, [
        { kind: "User", name: "gateway", apiGroup: "rbac.authorization.k8s.io" },
      ]);
      const token = jwt({ sub: "system:serviceaccount:edge:gw" });
      assertEquals(
        only(await checkLive(oneCluster(api, [], { client: { token } }))).user,
        "system:serviceaccount:edge:gw",
      );
    } finally {
      none();
      api.api.settings.authorize = undefined;
      api.api.settings.user = "system:serviceaccount:default:podway";
    }
  });

  test("does not offer to give rights to anybody at all", async () => {
    api.api.settings.authorize = () => false;
    api.api.settings.user = "system:anonymous";
    try {
      const { rules, faults } = only(await checkLive(oneCluster(api, [])));
      assertEquals(rules, []);
      assertMatch(faults.join("\n"), /system:anonymous: give it credentials/);
    } finally {
      api.api.settings.authorize = undefined;
      api.api.settings.user = "system:serviceaccount:default:podway";
    }
  });
});

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token that says this of itself; nobody checks its signature here. */
const jwt = (claims: object): string => `${base64url({ alg: "RS256" })}.${base64url(claims)}.LEAKsignature`;

/** A server in front of the embedded one that changes its answers, or has answers of its own. */
async function front<T>(
  answer: (request: Request) => Response | Promise<Response>,
  tls: { cert: string; key: string } | undefined,
  use: (server: { port: number; schema: "http" | "https" }) => Promise<T>,
): Promise<T> {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, ...(tls && { tls }), fetch: answer });
  try {
    return await use({ port: server.port!, schema: tls === undefined ? "http" : "https" });
  } finally {
    await server.stop(true);
  }
}

const pem = (name: string): Promise<string> => readFile(join(import.meta.dir, "../../fixtures/tls", name), "utf8");
const caFile = (name: string): string => join(import.meta.dir, "../../fixtures/tls", name);

describe("check --live of credentials and certificates", () => {
  const cases = [
    { fault: "wrong CA", certificate: "server", ca: "other-ca.crt", says: "certificate not signed by the given CA" },
    {
      fault: "wrong name",
      certificate: "other-names",
      ca: "ca.crt",
      says: "certificate is for other names: kubernetes",
    },
    { fault: "expired", certificate: "expired", ca: "ca.crt", says: "certificate has expired" },
  ];
  test.each(cases)("names the certificate's fault: $fault", async ({ certificate, ca, says }) => {
    const tls = { cert: await pem(`${certificate}.crt`), key: await pem(`${certificate}.key`) };
    await front(
      (request) => api.api.fetch(request),
      tls,
      async ({ port }) => {
        const kubernetes = { service: { host: "127.0.0.1", port, ca_file: caFile(ca) }, client: { token: "t" } };
        const found = await checkLive({ discovery: { kubernetes }, routes: [] });
        assertEquals([found.code, only(found).tls], [1, null]);
        assertStringIncludes(only(found).faults.join("\n"), `cannot be reached: ${says}`);
      },
    );
  });

  test("tells a good certificate from one that nobody verified", async () => {
    const tls = { cert: await pem("server.crt"), key: await pem("server.key") };
    await front(
      (request) => api.api.fetch(request),
      tls,
      async ({ port }) => {
        const block = (more: object): object => ({
          discovery: {
            kubernetes: {
              service: { host: "127.0.0.1", port, ...more },
              watch_endpoint_slices: true,
              client: { token: "t" },
            },
          },
        });
        const good = await checkLive(block({ ca_file: caFile("ca.crt") }));
        assertEquals([good.code, only(good).tls, only(good).warnings], [0, "verified", []]);
        const open = await checkLive(block({ ssl_verify: false }));
        assertEquals([open.code, only(open).tls], [0, "not_verified"]);
        assertMatch(only(open).warnings.join("\n"), /not verified/);
      },
    );
  });

  test("says when a token ends, and that it has, without showing it", async () => {
    const now = Math.floor(Date.now() / 1000);
    const ended = await checkLive(oneCluster(api, [], { client: { token: jwt({ exp: now - 60 }) } }));
    assertEquals(ended.code, 1);
    assertMatch(only(ended).faults.join("\n"), /its token ended on 20/);
    const soon = await checkLive(oneCluster(api, [], { client: { token: jwt({ exp: now + 600 }) } }));
    assertEquals([soon.code, only(soon).tokenExpires], [0, new Date((now + 600) * 1000).toISOString()]);
    assertMatch(only(soon).warnings.join("\n"), /client.token ends on .* and is never read anew/);
    assertEquals(/LEAK/.test(ended.text + ended.stderr + soon.text + JSON.stringify([ended.live, soon.live])), false);
  });

  test("says that the credentials are not accepted", async () => {
    await using strict = await serveEmbedded({ requireToken: "another" });
    const found = await checkLive(oneCluster(strict, [], { client: { token: "LEAK" } }));
    assertEquals([found.code, only(found).faults], [1, ["it does not accept the credentials (401)"]]);
  });

  test("warns of a clock that is far from this machine's", async () => {
    const later = new Date(Date.now() + 600_000).toUTCString();
    await front(
      async (request) => {
        const answer = await api.api.fetch(request);
        answer.headers.set("date", later);
        return answer;
      },
      undefined,
      async (server) => {
        const kubernetes = {
          service: { ...server, host: "127.0.0.1" },
          watch_endpoint_slices: true,
          client: { token: "t" },
        };
        const found = await checkLive({ discovery: { kubernetes } });
        assert(Math.abs(only(found).clockAhead! - 600) <= 1);
        assertMatch(only(found).warnings.join("\n"), /its clock is (600|599) s ahead of this machine's/);
      },
    );
  });

  test("tells what became of a kubeconfig's exec plugin, and does not wait for one that hangs", async () => {
    const plugin = join(folder, "plugin.sh");
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(plugin, '#!/bin/sh\nif [ "$1" = hang ]; then exec sleep 60; fi\necho "no login" >&2\nexit 7\n');
    await chmod(plugin, 0o755);
    const withPlugin = async (...args: string[]): Promise<Checked> => {
      const exec = { apiVersion: "client.authentication.k8s.io/v1", command: plugin, args, interactiveMode: "Never" };
      await writeFile(
        kubeconfig,
        JSON.stringify({
          "current-context": "c",
          contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
          clusters: [{ name: "k", cluster: { server: api.url } }],
          users: [{ name: "u", user: { exec } }],
        }),
      );
      return await checkLive({ discovery: { kubernetes: { client: { kubeconfig } } } }, "--timeout", "1");
    };
    const failed = await withPlugin();
    assertEquals(failed.code, 1);
    assertMatch(
      only(failed).faults.join("\n"),
      /no credentials: exec plugin .*plugin\.sh ended with exit code 7: no login/,
    );
    const before = performance.now();
    const hung = await withPlugin("hang");
    assertLess(performance.now() - before, 5000);
    assertMatch(only(hung).faults.join("\n"), /no credentials: no answer within 1 s/);
  });

  test("says of a server without EndpointSlices what to set", async () => {
    await using old = await serveEmbedded({ sliceVersions: [] });
    assertMatch(
      only(await checkLive(oneCluster(old, []))).faults.join("\n"),
      /no EndpointSlices.*watch_endpoint_slices to false/,
    );
    await using middle = await serveEmbedded({ sliceVersions: ["v1beta1"] });
    const found = await checkLive(oneCluster(middle, []));
    assertEquals([found.code, only(found).slices], [0, ["v1beta1"]]);
  });
});

describe("check --live of several clusters", () => {
  test("is not held up by one that is down, nor by one that never answers", async () => {
    await front(
      () => new Promise<Response>(() => {}),
      undefined,
      async (silent) => {
        const block = (id: string, port: number): object => ({
          id,
          service: { schema: "http", host: "127.0.0.1", port },
          client: { token: "t" },
          required: false,
        });
        const before = performance.now();
        const found = await checkLive(
          {
            discovery: {
              kubernetes: [
                { id: "good", ...clusterBlock(api), client: { token: "t" } },
                block("down", await closedPort()),
                block("silent", silent.port),
              ],
            },
            routes: ["good", "down", "silent"].map((id) => ({ id, path: `/${id}`, service: `${id}/shop/web` })),
          },
          "--timeout",
          "1",
        );
        assertLess(performance.now() - before, 5000);
        assertEquals(found.code, 1);
        assertEquals(
          found.live.clusters.map(({ id, faults }) => [id, faults]),
          [
            ["good", []],
            ["down", ["cannot be reached: connection refused"]],
            ["silent", ["cannot be reached: no answer within 1 s"]],
          ],
        );
        assertEquals(
          found.live.services.map(({ nodes, code }) => [nodes, code]),
          [
            [2, undefined],
            [0, "not_synced"],
            [0, "not_synced"],
          ],
        );
      },
    );
  });
});
