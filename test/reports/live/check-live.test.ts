import { describe, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import { oneCluster } from "../../gateway/objects.ts";
import { world } from "../../gateway/support.ts";
import { api, checkLive, folder, jwt, objectsIn, only, withApiserver } from "./checking.ts";

withApiserver();

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
