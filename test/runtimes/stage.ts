import { slice } from "../gateway/objects.ts";
import { type ServedApiserver, serveEmbedded } from "../helpers/embedded.ts";
import { type Pods, startPods } from "./pods.ts";

/** A runtime the gateway runs on. */
export type RuntimeName = "bun" | "deno" | "workers";

/** A gateway that runs, as the suite knows it. */
export interface Running extends AsyncDisposable {
  readonly url: string;
  /** undefined: this runtime has no admin API. */
  readonly adminUrl: string | undefined;
  /** What it has written so far. */
  log(): string;
}

/** What gateways are run against: an apiserver and pods. */
export interface Stage extends AsyncDisposable {
  readonly api: ServedApiserver;
  readonly pods: Pods;
  /** Sets the addresses of `demo/web`. */
  setPods(addresses: readonly string[]): void;
  /** How often the cluster's slices were listed. */
  lists(): number;
}

/** Starts one: the service `demo/web` has both pods, `demo/gone` an address where nobody listens. */
export async function createStage(): Promise<Stage> {
  const api = await serveEmbedded();
  const pods = await startPods();
  const setPods = (addresses: readonly string[]): void => {
    api.api.apply([slice("demo/web", addresses, { name: "http", port: pods.port })]);
  };
  setPods(pods.addresses);
  api.api.apply([
    slice("demo/sockets", [pods.addresses[0]!], { name: "http", port: pods.socketPort }),
    slice("demo/gone", ["127.0.0.9"], { name: "http", port: pods.port }),
  ]);
  return {
    api,
    pods,
    setPods,
    lists: () =>
      api.api.requests.filter(({ path }) => path.includes("/endpointslices") && !path.includes("watch")).length,
    async [Symbol.asyncDispose]() {
      await api.stop();
      await pods[Symbol.asyncDispose]();
    },
  };
}

/** The config of all runtimes; `mode` differs where one cannot watch. */
export function stageConfig({ api }: Stage, settings: object = {}, more: object = {}, runtime?: "workers"): object {
  const { hostname, port } = new URL(api.url);
  // What Workers refuses is left out there, and the suite finds what happens instead.
  const other = runtime === "workers" ? {} : { pass_host: "rewrite", upstream_host: "other.test" };
  return {
    discovery: {
      kubernetes: {
        service: { schema: "http", host: hostname, port: Number(port) },
        watch_endpoint_slices: true,
        ...settings,
      },
    },
    routes: [
      { id: "node", path: "/as-node", strip_prefix: "/as-node", service: "demo/web:http", pass_host: "node" },
      {
        id: "rewritten",
        path: "/as-other",
        strip_prefix: "/as-other",
        service: "demo/web:http",
        ...other,
      },
      {
        id: "wild",
        hosts: ["*.example.org"],
        path: "/",
        rewrite_path: { replace_prefix: "/wild" },
        service: "demo/web:http",
      },
      { id: "unknown", path: "/unknown", service: "demo/nobody:http" },
      { id: "gone", path: "/gone", service: "demo/gone:http", retries: { attempts: 1 } },
      { id: "slow", path: "/slow", service: "demo/web:http", timeouts: { response: 300 } },
      { id: "ws", path: "/ws", service: "demo/sockets:http" },
      { id: "cookies", path: "/cookies", service: "demo/web:http", response_headers: { add: { "x-added": "1" } } },
      { id: "set", path: "/set", service: "demo/web:http", middleware: [{ set_headers: { "x-tenant": "acme" } }] },
      { id: "plain", path: "/plain", service: "demo/web:http" },
      { id: "v1", path: "/v1", strip_prefix: "/v1", service: "demo/web:http" },
    ],
    ...more,
  };
}
