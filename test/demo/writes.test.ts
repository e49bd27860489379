import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { embedded } from "../helpers/embedded.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { get, pod, type StatusAnswer, send } from "./client.ts";

const PODS = "/api/v1/namespaces/default/pods";
const ENDPOINTS = "/api/v1/namespaces/default/endpoints";
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

const endpoints = (...ips: string[]) => ({
  metadata: { name: "web" },
  subsets: [{ addresses: ips.map((ip) => ({ ip })), ports: [{ port: 80 }] }],
});

describe("a create", () => {
  test("sets what the apiserver sets, and is 201", async () => {
    const api = embedded({ clock: createFakeClock(Date.UTC(2026, 0, 2, 3, 4, 5, 678)) });
    const { status, body } = await send(api, "POST", ENDPOINTS, endpoints("10.0.0.1"));
    assertEquals(status, 201);
    const { uid, managedFields, ...metadata } = body.metadata;
    assertEquals(metadata, {
      name: "web",
      namespace: "default",
      resourceVersion: api.resourceVersion,
      creationTimestamp: "2026-01-02T03:04:05Z",
    });
    assert(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(uid));
    assertEquals(managedFields!.length, 1);
    assertEquals((body.subsets as { ports: object[] }[])[0]!.ports, [{ port: 80, protocol: "TCP" }]);
  });

  test("with generateName makes a name of it", async () => {
    const api = embedded();
    const { body } = await send(api, "POST", SLICES, { metadata: { generateName: "web-" }, addressType: "IPv4" });
    assert(/^web-[a-z0-9]{5}$/.test(body.metadata.name));
    assertEquals(body.metadata.generation, 1);
  });

  test("names slices' ports and protocols as the apiserver's defaults do", async () => {
    const slice = { metadata: { name: "s" }, addressType: "IPv4", endpoints: [], ports: [{ port: 80 }] };
    const { body } = await send(embedded(), "POST", SLICES, slice);
    assertEquals(body.ports, [{ name: "", port: 80, protocol: "TCP" }]);
  });

  test("of a pod leaves its status to the kubelet", async () => {
    const { body } = await send(embedded(), "POST", PODS, pod("p"));
    assertEquals((body.status as { phase: string }).phase, "Pending");
  });

  test("with dryRun changes nothing", async () => {
    const api = embedded();
    const before = api.resourceVersion;
    assertEquals((await send(api, "POST", `${ENDPOINTS}?dryRun=All`, endpoints("10.0.0.1"))).status, 201);
    assertEquals([api.resourceVersion, api.list("Endpoints").length], [before, 0]);
  });
});

describe("refusals are the apiserver's", () => {
  const wrong = {
    metadata: { name: "A_" },
    subsets: [{ addresses: [{ ip: "127.0.0.1" }, { ip: "foo" }], ports: [{ port: 70_000 }, { port: 1 }] }],
  };
  const cases: [
    name: string,
    method: string,
    path: string,
    body: unknown,
    code: number,
    reason: string,
    message: string,
  ][] = [
    ["an object that is not there", "GET", `${ENDPOINTS}/x`, undefined, 404, "NotFound", 'endpoints "x" not found'],
    [
      "a slice that is not there",
      "DELETE",
      `${SLICES}/x`,
      undefined,
      404,
      "NotFound",
      'endpointslices.discovery.k8s.io "x" not found',
    ],
    [
      "a namespace that is not there",
      "POST",
      "/api/v1/namespaces/no/endpoints",
      endpoints("10.0.0.1"),
      404,
      "NotFound",
      'namespaces "no" not found',
    ],
    [
      "a resource that is not served",
      "GET",
      "/api/v1/namespaces/default/foos",
      undefined,
      404,
      "NotFound",
      "the server could not find the requested resource",
    ],
    [
      "a name that is taken",
      "POST",
      "/api/v1/namespaces",
      { metadata: { name: "default" } },
      409,
      "AlreadyExists",
      'namespaces "default" already exists',
    ],
    [
      "an object of another kind",
      "POST",
      ENDPOINTS,
      { kind: "Pod", apiVersion: "v1", metadata: { name: "x" } },
      400,
      "BadRequest",
      'Pod in version "v1" cannot be handled as a Endpoints',
    ],
    [
      "another name than the URL's",
      "PUT",
      `${ENDPOINTS}/x`,
      endpoints("10.0.0.1"),
      400,
      "BadRequest",
      "the name of the object (web) does not match the name on the URL (x)",
    ],
    [
      "a POST to a name",
      "POST",
      `${ENDPOINTS}/x`,
      endpoints("10.0.0.1"),
      405,
      "MethodNotAllowed",
      "the server does not allow this method on the requested resource",
    ],
    [
      "no name",
      "POST",
      ENDPOINTS,
      { metadata: {} },
      422,
      "Invalid",
      'Endpoints "" is invalid: metadata.name: Required value: name or generateName is required',
    ],
    [
      "a wrong Endpoints object",
      "POST",
      ENDPOINTS,
      wrong,
      422,
      "Invalid",
      'Endpoints "A_" is invalid: [metadata.name: Invalid value: "A_": a lowercase RFC 1123 subdomain',
    ],
    [
      "a slice of no address type",
      "POST",
      SLICES,
      { metadata: { name: "s" }, addressType: "Foo", endpoints: [{ addresses: [] }] },
      422,
      "Invalid",
      'EndpointSlice.discovery.k8s.io "s" is invalid: [addressType: Unsupported value: "Foo": supported values: "FQDN", "IPv4", "IPv6", endpoints[0].addresses: Required value',
    ],
    [
      "an IPv6 address in an IPv4 slice",
      "POST",
      SLICES,
      { metadata: { name: "s" }, addressType: "IPv4", endpoints: [{ addresses: ["::1"] }] },
      422,
      "Invalid",
      "must be a valid IPv4 address",
    ],
    [
      "a service without ports",
      "POST",
      "/api/v1/namespaces/default/services",
      { metadata: { name: "s" }, spec: {} },
      422,
      "Invalid",
      "spec.ports: Required value",
    ],
    [
      "a pod without containers",
      "POST",
      PODS,
      { metadata: { name: "p" } },
      422,
      "Invalid",
      "spec.containers: Required value",
    ],
  ];
  for (const [name, method, path, body, code, reason, message] of cases) {
    test(`${name}: ${code} ${reason}`, async () => {
      const answer = await send<StatusAnswer>(embedded(), method, path, body);
      assertEquals(
        [answer.status, answer.body.kind, answer.body.code, answer.body.reason],
        [code, "Status", code, reason],
      );
      assertStringIncludes(answer.body.message, message);
    });
  }

  test("an invalid object has one cause per field", async () => {
    const { body } = await send<StatusAnswer>(embedded({ refuseLoopback: true }), "POST", ENDPOINTS, wrong);
    assertEquals(
      body.details!.causes!.map(({ field }) => field),
      [
        "metadata.name",
        "subsets[0].addresses[0].ip",
        "subsets[0].addresses[1].ip",
        "subsets[0].ports[0].port",
        "subsets[0].ports[0].name",
        "subsets[0].ports[1].name",
      ],
    );
  });

  test("a body that is no JSON is 400", async () => {
    const answer = await embedded().fetch(ENDPOINTS, { method: "POST", body: "{nope" });
    assertEquals(answer.status, 400);
  });

  test("a token is required where it is set, and may be rotated", async () => {
    const api = embedded({ requireToken: "one" });
    const ask = async (authorization?: string) =>
      (await api.fetch("/api/v1/pods", authorization ? { headers: { authorization } } : {})).status;
    assertEquals([await ask(), await ask("Bearer two"), await ask("Bearer one")], [401, 401, 200]);
    api.settings.requireToken = ["two", "three"];
    assertEquals([await ask("Bearer one"), await ask("Bearer three")], [401, 200]);
  });

  test("a 403 names user, verb, resource, group and scope", async () => {
    const api = embedded({
      user: "nobody",
      authorize: (verb, resource, namespace) => namespace === "mine" && verb === "list" && resource === "pods",
    });
    api.apply({ kind: "Namespace", metadata: { name: "mine" } });
    assertEquals((await api.fetch("/api/v1/namespaces/mine/pods")).status, 200);
    const cluster = await get<StatusAnswer>(api, "/apis/discovery.k8s.io/v1/endpointslices", { watch: "1" });
    assertEquals(
      cluster.message,
      'endpointslices.discovery.k8s.io is forbidden: User "nobody" cannot watch resource "endpointslices" in API group "discovery.k8s.io" at the cluster scope',
    );
    const one = await get<StatusAnswer>(api, "/api/v1/namespaces/mine/pods/p");
    assertEquals(
      one.message,
      'pods "p" is forbidden: User "nobody" cannot get resource "pods" in API group "" in the namespace "mine"',
    );
  });
});
