import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createDiscovery } from "../../src/discovery/discovery.ts";
import type { ClusterOptions } from "../../src/discovery/options.ts";
import table from "../fixtures/cases/apisix-cases.json" with { type: "json" };
import type { FaultyApiserver } from "../helpers/apiserver-faults.ts";
import { embedded } from "../helpers/embedded.ts";
import { until } from "../helpers/wait.ts";
import { at, connectionOver, endpoints, type Followed, follow, slice } from "./support.ts";

/** One cluster of a case. */
interface CaseCluster {
  id: string | null;
  apiserver: { port?: string };
  resource: string;
  namespace_selector?: ClusterOptions["namespace_selector"];
  label_selector?: string;
  default_weight?: number;
}

interface Step {
  apply?: { kind: string; namespace: string; name: string; set: Record<string, unknown> }[];
  query?: string[];
  derived_nodes?: string[][];
  expect_dump_contains_service?: string;
  expect_readiness_status?: number;
}

interface Case {
  id: string;
  source: { file: string };
  discovery: { multi_cluster: boolean; clusters: CaseCluster[] };
  steps: Step[];
}

/** Where the design says otherwise: a named port asked for by its number is found, after every other way. */
const OURS: Record<string, Record<string, string[]>> = {
  "apisix-kubernetes2-11": {
    "first/ns-c/ep:5001 of p1": ["10.0.0.1:5001"],
    "second/ns-c/ep:5001 of p1": ["10.0.0.1:5001"],
  },
};

/** One endpoint of a slice is one node here, as in kube-proxy: APISIX takes further addresses for nodes too. */
const FIRST_ADDRESS_ONLY = new Set(["apisix-kubernetes3-2", "apisix-kubernetes3-3", "apisix-kubernetes3-4"]);

const cases = (table.cases as unknown as Case[]).filter(({ steps }) =>
  steps.some((step) => step.apply || step.query || step.expect_dump_contains_service || step.expect_readiness_status),
);

/** The objects a case finds at its start: those of its source file, as the cases before it left them. */
function firstObjects(): object[] {
  const namespaces = ["ns-a", "ns-b", "ns-c"];
  return [
    endpoints("kubernetes", [[["10.9.9.9"], "https", 6443]]),
    slice("kubernetes", [at("10.9.9.9")], { service: "kubernetes", ports: [{ name: "https", port: 6443 }] }),
    ...namespaces.map((namespace) => endpoints("ep", [], namespace)),
    ...namespaces.map((namespace) => slice("service-a-epslice1", [], { service: "service-a", namespace })),
  ];
}

/** Sets fields of an object as a merge patch would; `metadata.labels` beside top-level ones. */
function change(api: FaultyApiserver, { kind, namespace, name, set }: NonNullable<Step["apply"]>[number]): void {
  const { labels, ...fields } = Object.fromEntries(
    Object.entries(set).map(([path, value]) => [path === "metadata.labels" ? "labels" : path, value]),
  );
  const found = api.get(kind, namespace, name)!;
  api.apply({
    ...found,
    ...fields,
    metadata: { ...found.metadata, ...(labels === undefined ? {} : { labels: labels as Record<string, string> }) },
  });
}

/** Follows a case's clusters; nothing listens on port 6446. */
async function followAll(api: FaultyApiserver, { discovery }: Case): Promise<Followed[]> {
  return Promise.all(
    discovery.clusters.map((cluster) => {
      const dead = cluster.apiserver.port === "6446";
      const refused = async (): Promise<Response> => {
        throw new TypeError("connection refused");
      };
      return follow(
        [],
        {
          id: cluster.id ?? "",
          watch_endpoint_slices: cluster.resource === "endpointslices",
          namespace_selector: cluster.namespace_selector,
          label_selector: cluster.label_selector,
          default_weight: cluster.default_weight ?? 50,
        },
        dead ? { api, wait: false, connect: async () => connectionOver(refused) } : { api },
      );
    }),
  );
}

describe("APISIX's cases", () => {
  const files = [...new Set(cases.map(({ source }) => source.file))];
  for (const file of files) {
    const api = embedded();
    api.apply(firstObjects());
    for (const one of cases.filter(({ source }) => source.file === file)) {
      test(`${one.id} of ${file} holds`, async () => {
        await using stack = new AsyncDisposableStack();
        const followed = await followAll(api, one);
        for (const cluster of followed) stack.use(cluster);
        const discovery = createDiscovery({
          clusters: followed.map(({ cluster }) => cluster),
          multi: one.discovery.multi_cluster,
        });
        const addresses = (query: string): string[] =>
          discovery.query(query).nodes.map(({ host, port, weight }) => {
            assertEquals(weight, 50);
            return `${host}:${port}`;
          });
        for (const step of one.steps) {
          for (const patch of step.apply ?? []) change(api, patch);
          const named = api.get("Endpoints", "ns-c", "ep")?.subsets as { ports: { name?: string }[] }[] | undefined;
          const suffix = named?.[0]?.ports[0]?.name === undefined ? "" : ` of ${named[0].ports[0].name}`;
          for (const [i, query] of (step.query ?? []).entries()) {
            const theirs = step.derived_nodes![i]!;
            const expected =
              OURS[one.id]?.[query + suffix] ?? (FIRST_ADDRESS_ONLY.has(one.id) ? theirs.slice(0, 1) : theirs);
            await until(() => JSON.stringify(addresses(query)) === JSON.stringify(expected), {
              timeout: 3000,
              interval: 5,
              message: () => `${query} gives ${expected}, not ${addresses(query)}`,
            });
          }
          if (step.expect_dump_contains_service !== undefined) {
            for (const cluster of discovery.dump([]).endpoints) {
              const names = cluster.endpoints.map(({ name }) => name);
              assertEquals(names.includes(step.expect_dump_contains_service), true);
              assertEquals(cluster.id !== undefined, one.discovery.multi_cluster);
            }
          }
          if (step.expect_readiness_status !== undefined) {
            assertEquals(discovery.readiness().ready ? 200 : 503, step.expect_readiness_status);
          }
        }
      });
    }
  }
});
