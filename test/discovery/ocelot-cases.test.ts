import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import table from "../fixtures/cases/ocelot-cases.json" with { type: "json" };
import { until } from "../helpers/wait.ts";
import { connectionOver, endpoints, follow, uncheckedFetch } from "./support.ts";

interface Case {
  id: string;
  topic: string;
  input: {
    endpoints?: { metadata: object | null; subsets: object[] };
    subsets?: { nodes_in_subset: number }[];
    scheme?: string | null;
    events?: { type: string; object: { metadata: { name: string; namespace: string }; subsets: object[] } }[];
    ports?: { name: string; port: number | string }[];
    route_scheme?: string;
  };
  expect: { nodes?: { host: string | null; port: number }[]; node_count?: number };
}

const cases = table.cases as unknown as Case[];
const ofTopic = (topic: string): Case[] => cases.filter((one) => one.topic === topic);

/** What a route finds of one Endpoints object that an apiserver gave, unchecked as it may be. */
async function nodesOf(subsets: readonly object[], scheme?: string): Promise<{ host: string; port: number }[]> {
  const object = { metadata: { name: "svc", namespace: "ns", resourceVersion: "1" }, subsets };
  const fetch = uncheckedFetch([object]);
  const settings = { watch_endpoint_slices: false };
  await using followed = await follow([], settings, { connect: async () => connectionOver(fetch) });
  const upstream = followed.discovery.upstream({ service: "ns/svc", scheme });
  return upstream.endpoints().map(({ host, port }) => ({ host, port }));
}

describe("Ocelot's cases of an endpoint becoming a node", () => {
  for (const { id, input, expect } of [...ofTopic("endpoint to node"), ...ofTopic("port choice")]) {
    const { endpoints: given, subsets } = input;
    if (given !== undefined) {
      test(`${id} holds`, async () => {
        // An address without an ip makes no node here: there is nothing to send a request to.
        const nodes = expect
          .nodes!.filter(({ host }) => host !== null)
          .map(({ host, port }) => ({ host: host!, port }));
        assertEquals(await nodesOf(given.subsets, input.scheme ?? undefined), nodes);
      });
    } else if (subsets !== undefined) {
      test(`${id} holds`, async () => {
        const made = subsets.map(({ nodes_in_subset: count }, s) => ({
          addresses: Array.from({ length: count }, (_, e) => ({ ip: `10.0.${s}.${e}` })),
          ports: [{ port: 80 }],
        }));
        assertEquals((await nodesOf(made)).length, expect.node_count!);
      });
    }
  }

  for (const id of ["e2e-port-name-none", "e2e-port-name-http"]) {
    const { input } = cases.find((one) => one.id === id)!;
    test(`${id}: ${input.route_scheme || "no scheme"} leads to the port it names, or else to the first`, async () => {
      const ports = input.ports!.map(({ name, port }) => ({ name, port: typeof port === "number" ? port : 8080 }));
      const nodes = await nodesOf([{ addresses: [{ ip: "10.0.0.1" }], ports }], input.route_scheme || undefined);
      assertEquals(nodes, [{ host: "10.0.0.1", port: input.route_scheme === "http" ? 8080 : 443 }]);
    });
  }
});

describe("Ocelot's cases of a watch event", () => {
  for (const { id, input, expect } of ofTopic("watch event")) {
    const { type, object } = input.events![0]!;
    test(`${id} holds`, async () => {
      const known = endpoints("other", [[["10.0.0.9"], "http", 80]]);
      await using followed = await follow([known], { watch_endpoint_slices: false });
      const { api, cluster } = followed;
      await until(() => api.openWatches.length === 1, { message: "the watch is open" });
      const [watch] = api.openWatches;
      const send = (kind: string, sent: object, resourceVersion: string): void => {
        const { metadata = {} } = sent as { metadata?: object };
        const line = { type: kind, object: { kind: "Endpoints", ...sent, metadata: { ...metadata, resourceVersion } } };
        watch!.write(`${JSON.stringify(line)}\n`);
      };
      const count = (service: string): number => followed.discovery.upstream({ service }).endpoints().length;
      const reached = (version: string) => (): boolean => cluster.status().resourceVersion === version;
      if (type === "DELETED") {
        send("ADDED", object, "999");
        await until(() => count("dummy-namespace/dummy-service") === 1, { message: "it was added first" });
      }
      // A real apiserver's bookmark carries a version and nothing else, whatever this one held.
      send(type, type === "BOOKMARK" ? {} : object, "1000");
      const relisted = (): boolean => cluster.counters().lists.gone === 1 || cluster.counters().lists.error === 1;
      await until(type === "ERROR" ? relisted : reached("1000"), { message: `the ${type} event is taken` });
      assertEquals(count("dummy-namespace/dummy-service"), type === "BOOKMARK" ? 0 : expect.node_count!);
      assertEquals(count("default/other"), 1);
    });
  }
});
