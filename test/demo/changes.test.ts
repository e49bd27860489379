import { describe, test } from "bun:test";
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { embedded } from "../helpers/embedded.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { configMap, pod, type StatusAnswer, send } from "./client.ts";

const PODS = "/api/v1/namespaces/default/pods";
const ENDPOINTS = "/api/v1/namespaces/default/endpoints";

const ref = (name: string, uid?: string) => ({ kind: "Pod", name, namespace: "default", ...(uid && { uid }) });
const endpoints = (...ips: string[]) => ({
  metadata: { name: "web" },
  subsets: [{ addresses: ips.map((ip) => ({ ip })), ports: [{ port: 80 }] }],
});

describe("an update", () => {
  test("of an old version is 409, of the current one is taken", async () => {
    const api = embedded();
    const old = (await send(api, "POST", ENDPOINTS, endpoints("10.0.0.1"))).body;
    const next = { ...old, subsets: endpoints("10.0.0.2").subsets };
    assertEquals((await send(api, "PUT", `${ENDPOINTS}/web`, next)).status, 200);
    const late = await send<StatusAnswer>(api, "PUT", `${ENDPOINTS}/web`, next);
    assertEquals([late.status, late.body.reason], [409, "Conflict"]);
    assertStringIncludes(
      late.body.message,
      'Operation cannot be fulfilled on endpoints "web": the object has been modified',
    );
  });

  test("that changes nothing makes no event and no version", async () => {
    const api = embedded();
    await send(api, "POST", ENDPOINTS, endpoints("10.0.0.1"));
    const before = api.resourceVersion;
    assertEquals((await send(api, "PUT", `${ENDPOINTS}/web`, endpoints("10.0.0.1"))).status, 200);
    assertEquals(api.resourceVersion, before);
  });

  test("of a slice counts its generation, of its labels alone does not", () => {
    const api = embedded();
    const slice = (ip: string, labels = {}) => ({
      kind: "EndpointSlice",
      metadata: { name: "s", labels },
      addressType: "IPv4",
      endpoints: [{ addresses: [ip] }],
    });
    const generation = (object: object) => api.apply(object)[0]!.metadata.generation;
    assertEquals(
      [
        generation(slice("10.0.0.1")),
        generation(slice("10.0.0.1", { a: "b" })),
        generation(slice("10.0.0.2", { a: "b" })),
      ],
      [1, 1, 2],
    );
  });

  test("of a pod's status goes through its subresource only", async () => {
    const api = embedded();
    api.apply(pod("p"));
    const failed = { ...pod("p"), status: { phase: "Failed" } };
    await send(api, "PUT", `${PODS}/p`, failed);
    assertEquals((api.get("Pod", "default", "p")!.status as { phase: string }).phase, "Running");
    assertEquals((await send(api, "PUT", `${PODS}/p/status`, failed)).status, 200);
    assertEquals((api.get("Pod", "default", "p")!.status as { phase: string }).phase, "Failed");
  });
});

describe("a patch", () => {
  const service = {
    kind: "Service",
    metadata: { name: "web", labels: { a: "1", b: "2" } },
    spec: {
      ports: [
        { name: "http", port: 80 },
        { name: "tls", port: 443 },
      ],
    },
  };
  const PATH = "/api/v1/namespaces/default/services/web";
  const ports = (object: Record<string, unknown>) =>
    (object.spec as { ports: { port: number; name: string }[] }).ports.map(({ name, port }) => `${name}:${port}`);
  const patched = async (patch: unknown, kind: string) => {
    const api = embedded();
    api.apply(service);
    return send(api, "PATCH", PATH, patch, `application/${kind}`);
  };

  test("as a merge patch replaces lists and removes by null", async () => {
    const { status, body } = await patched(
      { metadata: { labels: { a: null, c: "3" } }, spec: { ports: [{ name: "x", port: 1 }] } },
      "merge-patch+json",
    );
    assertEquals([status, body.metadata.labels, ports(body)], [200, { b: "2", c: "3" }, ["x:1"]]);
  });

  test("as a strategic merge patch merges ports by number", async () => {
    const { body } = await patched(
      {
        spec: {
          ports: [
            { port: 443, name: "https" },
            { port: 8080, name: "alt" },
          ],
        },
      },
      "strategic-merge-patch+json",
    );
    assertEquals(ports(body), ["http:80", "https:443", "alt:8080"]);
  });

  test("as a strategic merge patch takes an element out and keeps the order it is told", async () => {
    const patch = {
      spec: {
        "$setElementOrder/ports": [{ port: 8080 }, { port: 443 }],
        ports: [
          { $patch: "delete", port: 80 },
          { port: 8080, name: "alt" },
        ],
      },
    };
    assertEquals(ports((await patched(patch, "strategic-merge-patch+json")).body), ["alt:8080", "tls:443"]);
  });

  test("as a JSON patch applies every operation or none", async () => {
    const good = [
      { op: "test", path: "/metadata/labels/a", value: "1" },
      { op: "move", from: "/metadata/labels/a", path: "/metadata/labels/z" },
      { op: "copy", from: "/metadata/labels/b", path: "/metadata/labels/example.org~1b" },
      { op: "replace", path: "/spec/ports/0/name", value: "web" },
      { op: "add", path: "/spec/ports/-", value: { name: "alt", port: 8080 } },
      { op: "remove", path: "/spec/ports/1" },
    ];
    const { body } = await patched(good, "json-patch+json");
    assertEquals(body.metadata.labels, { b: "2", z: "1", "example.org/b": "2" });
    assertEquals(ports(body), ["web:80", "alt:8080"]);
    const bad = await patched(
      [
        { op: "remove", path: "/metadata/labels/a" },
        { op: "test", path: "/metadata/name", value: "no" },
      ],
      "json-patch+json",
    );
    assertEquals(bad.status, 422);
    assertEquals((await patched([{ op: "remove", path: "/no/such" }], "json-patch+json")).status, 422);
  });

  test("as an apply merges, and creates what is not there", async () => {
    const api = embedded();
    const apply = (object: object) =>
      send(api, "PATCH", `${PATH}?fieldManager=me`, object, "application/apply-patch+yaml");
    assertEquals((await apply({ apiVersion: "v1", ...service })).status, 201);
    const { status, body } = await apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", labels: { c: "3" } },
    });
    assertEquals(
      [status, body.metadata.labels, ports(body)],
      [200, { a: "1", b: "2", c: "3" }, ["http:80", "tls:443"]],
    );
  });

  test("of another type is 415", async () => {
    assertEquals((await patched({}, "foo")).status, 415);
  });

  test("replaces the lists of endpoints, which have no keys", async () => {
    const api = embedded();
    await send(api, "POST", ENDPOINTS, endpoints("10.0.0.1", "10.0.0.2"));
    const patch = { subsets: [{ addresses: [{ ip: "10.0.0.3" }] }] };
    const { body } = await send(api, "PATCH", `${ENDPOINTS}/web`, patch, "application/strategic-merge-patch+json");
    assertEquals(body.subsets, patch.subsets);
  });
});

describe("a deletion", () => {
  test("of a pod takes it out of its Endpoints and EndpointSlices in the same step", async () => {
    const api = embedded();
    const [a] = api.apply([pod("a"), pod("b")]);
    api.apply([
      {
        kind: "Endpoints",
        metadata: { name: "web" },
        subsets: [
          {
            addresses: [
              { ip: "10.0.0.1", targetRef: ref("a", a!.metadata.uid) },
              { ip: "10.0.0.2", targetRef: ref("b") },
            ],
            ports: [{ port: 80 }],
          },
          { notReadyAddresses: [{ ip: "10.0.0.1", targetRef: ref("a") }], ports: [{ port: 81 }] },
        ],
      },
      {
        kind: "EndpointSlice",
        metadata: { name: "web-1" },
        addressType: "IPv4",
        endpoints: [
          { addresses: ["10.0.0.1"], targetRef: ref("a") },
          { addresses: ["10.0.0.2"], targetRef: ref("b") },
        ],
      },
      {
        kind: "EndpointSlice",
        metadata: { name: "other" },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.0.0.9"], targetRef: ref("a", "another-uid") }],
      },
    ]);
    const { status, body } = await send(api, "DELETE", `${PODS}/a`, {
      kind: "DeleteOptions",
      apiVersion: "v1",
      propagationPolicy: "Background",
    });
    assertEquals([status, body.kind, body.metadata.name], [200, "Pod", "a"]);
    const subsets = api.get("Endpoints", "default", "web")!.subsets as { addresses: { ip: string }[] }[];
    assertEquals(
      subsets.map(({ addresses }) => addresses.map(({ ip }) => ip)),
      [["10.0.0.2"]],
    );
    const slice = api.get("EndpointSlice", "default", "web-1")!;
    assertEquals(
      (slice.endpoints as { addresses: string[] }[]).map(({ addresses }) => addresses),
      [["10.0.0.2"]],
    );
    assertEquals(slice.metadata.generation, 2);
    assertEquals((api.get("EndpointSlice", "default", "other")!.endpoints as object[]).length, 1);
  });

  test("of a namespace takes its contents along, after a moment of Terminating", async () => {
    const clock = createFakeClock();
    const api = embedded({ clock });
    api.apply([configMap("a", {}, "gone"), pod("p", "gone"), configMap("stays")]);
    assertEquals((await send(api, "DELETE", "/api/v1/namespaces/gone")).status, 200);
    assertEquals(api.get("Namespace", "", "gone")!.status, { phase: "Terminating" });
    const late = await send<StatusAnswer>(api, "POST", "/api/v1/namespaces/gone/configmaps", {
      metadata: { name: "b" },
    });
    assertEquals(late.status, 403);
    assertStringIncludes(late.body.message, "because it is being terminated");
    await clock.advance(1000);
    assertEquals(api.get("Namespace", "", "gone"), undefined);
    assertEquals(
      [api.list("ConfigMap", "gone").length, api.list("Pod").length, api.list("ConfigMap").length],
      [0, 0, 1],
    );
  });

  test("of a namespace through the direct helper is done at once", () => {
    const api = embedded();
    api.apply(configMap("a", {}, "gone"));
    assertEquals([api.remove("Namespace", "", "gone"), api.list("ConfigMap").length], [true, 0]);
  });

  test("of a collection takes what its selector matches", async () => {
    const api = embedded();
    api.apply([configMap("a", { x: "1" }), configMap("b", { x: "2" })]);
    assertEquals((await send(api, "DELETE", "/api/v1/namespaces/default/configmaps?labelSelector=x%3D1")).status, 200);
    assertEquals(
      api.list("ConfigMap").map(({ metadata }) => metadata.name),
      ["b"],
    );
  });

  test("with preconditions that do not hold is 409", async () => {
    const api = embedded();
    api.apply(configMap("a"));
    const { status } = await send(api, "DELETE", "/api/v1/namespaces/default/configmaps/a", {
      preconditions: { uid: "other" },
    });
    assertEquals([status, api.list("ConfigMap").length], [409, 1]);
  });

  test("waits for finalizers, and is done when the last is gone", async () => {
    const api = embedded();
    api.apply({ kind: "ConfigMap", metadata: { name: "a", finalizers: ["example.org/x"] } });
    const path = "/api/v1/namespaces/default/configmaps/a";
    await send(api, "DELETE", path);
    assertNotEquals(api.get("ConfigMap", "default", "a")!.metadata.deletionTimestamp, undefined);
    await send(api, "PATCH", path, { metadata: { finalizers: null } }, "application/merge-patch+json");
    assertEquals(api.get("ConfigMap", "default", "a"), undefined);
  });
});

describe("the direct helpers", () => {
  test("apply takes objects, lists, Lists and YAML documents, makes namespaces, and keeps a given uid and status", () => {
    const api = embedded();
    const stored = api.apply(`
apiVersion: v1
kind: Pod
metadata: { name: a, namespace: new, uid: my-uid }
spec: { containers: [{ name: c, image: i }] }
status: { phase: Running }
---
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: b } }
`);
    assertEquals(
      stored.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
      ["new/a", "default/b"],
    );
    assertEquals([stored[0]!.metadata.uid, (stored[0]!.status as { phase: string }).phase], ["my-uid", "Running"]);
    assertEquals(api.remove("Pod", "new", "a"), true);
    assertEquals(api.remove("Pod", "new", "a"), false);
  });
});
