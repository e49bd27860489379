import { describe, test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { UpstreamQuery } from "../../../src/discovery/types.ts";
import { until } from "../../helpers/wait.ts";
import { at, connectionOver, endpoints, type Followed, follow, slice, uncheckedFetch } from "../support.ts";

const hosts = (followed: Followed, query: UpstreamQuery): string[] =>
  followed.discovery
    .upstream(query)
    .endpoints()
    .map(({ address }) => address);

const service = (ports: object[], spec: object = {}): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: { ports, ...spec },
});

const named = [
  { name: "http", port: 8080, protocol: "TCP" },
  { name: "metrics", port: 9090, protocol: "TCP" },
  { name: "dns", port: 53, protocol: "UDP" },
];

describe("a port", () => {
  test("is found by name, by number, and left out where there is one, in both resources", async () => {
    await using slices = await follow([slice("web-a", [at("10.0.0.1")])]);
    await using objects = await follow([endpoints("web", [[["10.0.0.1"], "http", 8080]])], {
      watch_endpoint_slices: false,
    });
    for (const followed of [slices, objects]) {
      for (const reference of ["default/web:http", "default/web:8080", "default/web"]) {
        assertEquals(followed.addresses(reference), ["10.0.0.1:8080"], reference);
      }
    }
  });

  test("without a name is found by its number, in both resources", async () => {
    await using slices = await follow([slice("web-a", [at("10.0.0.1")], { ports: [{ name: "", port: 8080 }] })]);
    await using objects = await follow([endpoints("web", [[["10.0.0.1"], "", 8080]])], {
      watch_endpoint_slices: false,
    });
    for (const followed of [slices, objects]) assertEquals(followed.addresses("web:8080"), ["10.0.0.1:8080"]);
  });

  test("that does not exist is answered with those that do", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1")], { ports: named })]);
    const answer = followed.discovery.query("default/web:htttp");
    assertEquals(answer.code, "port_unknown");
    assertEquals(answer.available, ["http (8080)", "metrics (9090)", "dns (53) UDP"]);
    assertStringIncludes(answer.reason!, "no port htttp; ports: http (8080), metrics (9090), dns (53) UDP");
  });

  test("of the reference wins over port_name, which wins over the scheme", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1")], { ports: named })]);
    assertEquals(hosts(followed, { service: "web:http", portName: "metrics", scheme: "https" }), ["10.0.0.1:8080"]);
    assertEquals(hosts(followed, { service: "web", portName: "metrics", scheme: "http" }), ["10.0.0.1:9090"]);
  });

  test("has its name compared exactly, except with a scheme", async () => {
    const ports = [
      { name: "Metrics", port: 9090 },
      { name: "HTTPS", port: 8443 },
    ];
    const fetch = uncheckedFetch([slice("web-a", [at("10.0.0.1")], { ports })], "EndpointSliceList");
    await using followed = await follow([], {}, { connect: async () => connectionOver(fetch) });
    assertEquals(hosts(followed, { service: "web:https" }), []);
    assertEquals(hosts(followed, { service: "web", portName: "https" }), []);
    assertEquals(hosts(followed, { service: "web", scheme: "https" }), ["10.0.0.1:8443"]);
  });

  test("is the first one where nothing says which, and where none has the scheme's name", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1")], { ports: named })]);
    assertEquals(hosts(followed, { service: "web" }), ["10.0.0.1:8080"]);
    assertEquals(hosts(followed, { service: "web", scheme: "https" }), ["10.0.0.1:8080"]);
  });

  test("that is not TCP is never chosen", async () => {
    const udpFirst = [
      { name: "dns", port: 53, protocol: "UDP" },
      { name: "sctp", port: 54, protocol: "SCTP" },
    ];
    await using followed = await follow([
      slice("web-a", [at("10.0.0.1")], { ports: [{ name: "first", port: 53, protocol: "UDP" }, ...named] }),
      slice("only-udp", [at("10.0.0.1")], { service: "udp", ports: udpFirst }),
    ]);
    assertEquals(hosts(followed, { service: "web" }), ["10.0.0.1:8080"]);
    assertEquals(hosts(followed, { service: "web:dns" }), []);
    assertEquals(hosts(followed, { service: "udp:53" }), []);
    assertStringIncludes(followed.discovery.query("default/udp").reason!, "none of them is TCP");
    followed.api.apply(
      slice("tcp", [at("10.0.0.2")], { service: "udp", ports: [{ name: "dns-tcp", port: 53, protocol: "TCP" }] }),
    );
    await until(() => hosts(followed, { service: "udp:53" }).length > 0, { message: "the TCP port is there" });
    assertEquals(hosts(followed, { service: "udp:53" }), ["10.0.0.2:53"]);
    assertEquals(hosts(followed, { service: "udp" }), ["10.0.0.2:53"]);
  });

  test("of a Service that has one number for UDP and for TCP is the TCP one, whatever they are called", async () => {
    const ports = [
      { name: "dns", port: 5353, protocol: "UDP" },
      { name: "dns-tcp", port: 5354, protocol: "TCP" },
    ];
    const dns = (own: object[]) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "default" },
      spec: { ports: own },
    });
    const own = [
      { name: "dns", port: 53, protocol: "UDP" },
      { name: "dns-tcp", port: 53, protocol: "TCP" },
    ];
    for (const order of [own, own.toReversed()]) {
      await using followed = await follow([slice("web-a", [at("10.0.0.1")], { ports }), dns(order)], {
        resolve_service_ports: true,
      });
      assertEquals(followed.addresses("web:53"), ["10.0.0.1:5354"]);
    }
  });

  test("may have another number in each slice", async () => {
    await using followed = await follow([
      slice("web-a", [at("10.0.0.1")]),
      slice("web-b", [at("10.0.0.2")], { ports: [{ name: "http", port: 8081 }] }),
    ]);
    assertEquals(followed.addresses("web:http"), ["10.0.0.1:8080", "10.0.0.2:8081"]);
    assertEquals(followed.addresses("web:8081"), ["10.0.0.2:8081"]);
    assertEquals(followed.addresses("web"), ["10.0.0.1:8080", "10.0.0.2:8081"]);
  });

  test("without a number, which means all ports, is skipped with a note", async () => {
    await using followed = await follow([slice("web-a", [at("10.0.0.1")], { ports: [{ name: "any", port: null }] })]);
    const { nodes, code, reason } = followed.discovery.query("default/web");
    assertEquals([nodes.length, code], [0, "no_endpoints"]);
    assertStringIncludes(reason!, "it means all ports");
  });
});

describe("with resolve_service_ports, a Service's own port", () => {
  const settings = { resolve_service_ports: true };
  const pods = slice("web-a", [at("10.0.0.1")]);

  test("leads to the endpoints' port of the same name", async () => {
    await using followed = await follow([service([{ name: "http", port: 80, targetPort: "web" }]), pods], settings);
    assertEquals(followed.addresses("web:80"), ["10.0.0.1:8080"]);
    assertStringIncludes(followed.discovery.query("default/web:81").reason!, "the Service's own: 80");
  });

  test("without a name leads to the unnamed endpoint port", async () => {
    const unnamed = slice("web-a", [at("10.0.0.1")], { ports: [{ name: "", port: 8080 }] });
    await using followed = await follow([service([{ port: 80, targetPort: 8080 }]), unnamed], settings);
    assertEquals(followed.addresses("web:80"), ["10.0.0.1:8080"]);
  });

  test("comes before the number of a named endpoint port, and after that of an unnamed one", async () => {
    const two = [
      { name: "a", port: 80 },
      { name: "b", port: 8080 },
    ];
    await using followed = await follow(
      [service([{ name: "b", port: 80 }]), slice("web-a", [at("10.0.0.1")], { ports: two })],
      settings,
    );
    assertEquals(followed.addresses("web:80"), ["10.0.0.1:8080"]);
    followed.api.apply(slice("web-b", [at("10.0.0.2")], { ports: [{ name: "", port: 80 }] }));
    await until(() => followed.addresses("web:80")[0] === "10.0.0.2:80", { message: "the unnamed port is found" });
    assertEquals(followed.addresses("web:80"), ["10.0.0.2:80"]);
  });

  test("of a headless service is the endpoints' own", async () => {
    const headless = service([{ name: "http", port: 8080 }], { clusterIP: "None" });
    await using followed = await follow([headless, pods], settings);
    assertEquals(followed.addresses("web:8080"), ["10.0.0.1:8080"]);
  });

  test("of an ExternalName service leads nowhere, and the reason says so", async () => {
    const external = service([], { type: "ExternalName", externalName: "db.example.org" });
    await using followed = await follow([external], settings);
    assertStringIncludes(
      followed.discovery.query("default/web").reason!,
      "of type ExternalName (db.example.org): it has no endpoints and cannot be routed to",
    );
  });

  test("of a Service without endpoints is told from a service that does not exist", async () => {
    await using followed = await follow([service([{ port: 80 }])], settings);
    const { code, reason } = followed.discovery.query("default/web:80");
    assertEquals([code, reason], ["no_endpoints", "the Service exists, but has no EndpointSlice"]);
    assertEquals(followed.discovery.query("default/other").code, "service_unknown");
  });
});
