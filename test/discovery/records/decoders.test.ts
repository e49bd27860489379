import { describe, test } from "bun:test";
import { readFileSync } from "node:fs";
import { assert, assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parse } from "yaml";
import { endpointSliceDecoder } from "../../../src/discovery/records/endpoint-slices.ts";
import { endpointsDecoder } from "../../../src/discovery/records/endpoints.ts";
import { sameService, serviceDecoder } from "../../../src/discovery/records/services.ts";
import { type SliceRecord, unpackEndpoints } from "../../../src/discovery/records/slice-record.ts";
import { InvalidObjectError } from "../../../src/kubernetes/errors.ts";
import type { Decoder } from "../../../src/kubernetes/types.ts";
import { at, endpoints, slice } from "../support.ts";

const options = { keepNamespace: (namespace: string): boolean => namespace !== "hidden" };
const readSlice = endpointSliceDecoder(options);
const readEndpoints = endpointsDecoder(options);

const manifest = (name: string): object =>
  parse(readFileSync(new URL(`../../fixtures/manifests/${name}.yaml`, import.meta.url), "utf8")) as object;

const endpointsOf = (record: SliceRecord) => record.groups.flatMap(({ packed }) => unpackEndpoints(packed));

describe("an object as a cluster gives it", () => {
  test("is an EndpointSlice with everything routing needs", () => {
    const record = readSlice(manifest("endpoint-slice"))!;
    const { namespace, name, service, resourceVersion, usable, groups } = record;
    assertEquals(
      { namespace, name, service, resourceVersion, usable },
      {
        namespace: "shop",
        name: "checkout-9x7kd",
        service: "checkout",
        resourceVersion: "48213",
        usable: 3,
      },
    );
    assertEquals(
      groups[0]!.ports.ports.map((port) => `${port.name}:${port.port}/${port.protocol}`),
      ["http:8080/TCP", "grpc:9090/TCP", "statsd:8125/UDP"],
    );
    const [first, , third] = endpointsOf(record);
    assertEquals(first, {
      host: "10.244.1.7",
      ready: true,
      serving: true,
      terminating: false,
      uid: "3b0c8d55-1f0e-4a52-a2be-6c58f1cf1e01",
      pod: "shop/checkout-6c9f7d4b5d-2xk8q",
      zone: "eu-west-1a",
      hints: ["eu-west-1a"],
    });
    assertEquals([third!.ready, third!.serving, third!.terminating, third!.hints], [false, true, true, undefined]);
  });

  test("is an EndpointSlice of the beta version, its zone among the node's labels", () => {
    const [first, second] = endpointsOf(readSlice(manifest("endpoint-slice-v1beta1"))!);
    assertEquals([first!.zone, first!.ready, first!.serving], ["eu-west-1a", true, true]);
    assertEquals([second!.zone, second!.ready, second!.serving], ["", false, false]);
  });

  test("is an Endpoints object, those not ready remembered as such", () => {
    const record = readEndpoints(manifest("endpoints"))!;
    assertEquals(
      endpointsOf(record).map(({ host, ready }) => [host, ready]),
      [
        ["10.244.1.7", true],
        ["10.244.2.9", false],
      ],
    );
    assertEquals([record.service, record.usable, record.truncated], ["checkout", 1, false]);
  });
});

describe("decoders", () => {
  test("share equal lists of ports and give equal objects equal texts", () => {
    const first = readSlice(slice("a", [at("10.0.0.1")]))!;
    const second = readSlice(slice("b", [at("10.0.0.1")]))!;
    assertStrictEquals(first.groups[0]!.ports, second.groups[0]!.ports);
    assertEquals(first.groups[0]!.packed, second.groups[0]!.packed);
  });

  test("leave out what a selector of ours leaves out, and slices of no service", () => {
    assertEquals(readSlice(slice("a", [], { namespace: "hidden" })), undefined);
    assertEquals(readEndpoints(endpoints("a", [], "hidden")), undefined);
    const orphan = slice("a", []) as { metadata: { labels: object } };
    assertEquals(readSlice({ ...orphan, metadata: { ...orphan.metadata, labels: {} } }), undefined);
  });

  test("read what Go writes for empty lists", () => {
    assertEquals(endpointsOf(readSlice(slice("a", null, { ports: null }))!), []);
    assertEquals(readEndpoints({ ...endpoints("a", []), subsets: null })!.groups, []);
  });

  test("make no node of an address that is none, and say so", () => {
    const hostile = ["10.0.0.1@evil", "evil.example.org", "10.0.0.1:80/x", "", "fd00::1]", "10.0.0.1\n"];
    for (const host of [...hostile, 7]) {
      const record = readSlice(slice("a", [{ addresses: [host] }, { addresses: ["10.0.0.1"] }]))!;
      assertEquals(
        endpointsOf(record).map(({ host }) => host),
        ["10.0.0.1"],
      );
      assertEquals(record.notes, ["an address that is no IP address: skipped"]);
    }
    const withoutIp = { ...endpoints("a", []), subsets: [{ addresses: [{}], ports: [{ port: 80 }] }] };
    assertEquals(endpointsOf(readEndpoints(withoutIp)!), []);
  });

  const base = slice("a", []) as Record<string, unknown> & { metadata: Record<string, unknown> };
  const malformed: [string, Decoder<unknown>, unknown][] = [
    ["null", readSlice, null],
    ["a text", readSlice, "EndpointSlice"],
    ["a list", readSlice, []],
    ["no metadata", readSlice, { ...base, metadata: null }],
    ["no name", readSlice, { ...base, metadata: { ...base.metadata, name: undefined } }],
    ["no namespace", readSlice, { ...base, metadata: { ...base.metadata, namespace: 1 } }],
    ["another kind", readSlice, { ...base, kind: "Pod" }],
    ["endpoints that are no list", readSlice, { ...base, endpoints: {} }],
    ["ports that are no list", readSlice, { ...base, ports: 80 }],
    [
      "a name with a slash, which would be another object's key",
      readSlice,
      { ...base, metadata: { ...base.metadata, name: "a/b" } },
    ],
    ["subsets that are no list", readEndpoints, { ...endpoints("a", []), subsets: "x" }],
    ["a Service without metadata", serviceDecoder(options), { kind: "Service" }],
  ];
  for (const [what, read, object] of malformed) {
    test(`refuse ${what}`, () => {
      assertThrows(() => read(object), InvalidObjectError);
    });
  }

  const good = { name: "http", port: 80 };
  const partial: [string, Decoder<SliceRecord>, Record<string, unknown>, string][] = [
    ["an endpoint that is no object", readSlice, { ...base, endpoints: ["10.0.0.1", at("10.0.0.2")] }, "endpoints"],
    [
      "addresses that are no list",
      readSlice,
      { ...base, endpoints: [{ addresses: "x" }, at("10.0.0.2")] },
      "addresses",
    ],
    ["a port that is no object", readSlice, { ...base, endpoints: [at("10.0.0.2")], ports: [80, good] }, "ports"],
    ...[0, -1, 65_536, 70_000, 1.5, "80", true, {}].map((port): (typeof partial)[number] => [
      `port ${JSON.stringify(port)}`,
      readSlice,
      { ...base, endpoints: [at("10.0.0.2")], ports: [{ name: "odd", port }, good] },
      "not a number from 1 to 65535",
    ]),
    [
      "a subset that is no object",
      readEndpoints,
      { ...endpoints("a", []), subsets: [1, { addresses: [{ ip: "10.0.0.2" }], ports: [good] }] },
      "subsets",
    ],
  ];
  for (const [what, read, object, words] of partial) {
    test(`leave out ${what} alone, with a note`, () => {
      const record = read(object)!;
      assertEquals(
        endpointsOf(record).map(({ host }) => host),
        ["10.0.0.2"],
      );
      assertEquals(
        record.groups
          .at(-1)!
          .ports.ports.map(({ port }) => port)
          .includes(80) || object.ports === base.ports,
        true,
      );
      assertEquals(record.notes.length, 1);
      assertStringIncludes(record.notes[0]!, words);
    });
  }

  test("tell two states of a Service apart by all that is kept of it, and by no more", () => {
    const read = serviceDecoder(options);
    const spec = { type: "ClusterIP", clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80, protocol: "TCP" }] };
    const state = (change: object, version = "1") =>
      read({
        metadata: { name: "web", namespace: "default", resourceVersion: version },
        spec: { ...spec, ...change },
      })!;
    const same = (change: object): boolean => sameService(state({}), state(change, "2"));
    assert(same({}));
    assert(same({ selector: { app: "other" } }));
    const changes: object[] = [
      { type: "LoadBalancer" },
      { externalName: "db.example.org" },
      { clusterIP: "None" },
      { ports: [] },
      { ports: [{ name: "web", port: 80, protocol: "TCP" }] },
      { ports: [{ name: "http", port: 81, protocol: "TCP" }] },
      { ports: [{ name: "http", port: 80, protocol: "UDP" }] },
    ];
    for (const change of changes) assert(!same(change), JSON.stringify(change));
  });

  test("keep a Service's ports, type and external name", () => {
    const read = serviceDecoder(options);
    const metadata = { name: "web", namespace: "default" };
    const record = read({
      metadata,
      spec: { clusterIP: "None", ports: [{ port: 80, targetPort: "http" }, { name: "x" }] },
    })!;
    assert(record.headless);
    assertEquals(record.ports, [{ name: "", port: 80, protocol: "TCP" }]);
    const external = read({ metadata, spec: { type: "ExternalName", externalName: "db.example.org" } })!;
    assertEquals([external.type, external.externalName], ["ExternalName", "db.example.org"]);
  });
});
