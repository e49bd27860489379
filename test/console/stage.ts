import { clusterBlock, slice } from "../gateway/objects.ts";
import { type Pods, startPods } from "../gateway/pods.ts";
import { type ServedApiserver, serveEmbedded } from "../helpers/embedded.ts";
import { type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";

/** An endpoint of a slice, with the pod behind it. */
export const endpointOf = (ip: string, pod: string, more: object = {}) => ({
  addresses: [ip],
  conditions: { ready: true, serving: true, terminating: false },
  targetRef: { kind: "Pod", namespace: "shop", name: pod, uid: `uid-${pod}` },
  zone: "eu-1a",
  ...more,
});

/** A Pod as kubectl needs it to delete one. */
export const podOf = (name: string, ip: string): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace: "shop", name, labels: { app: "web" }, uid: `uid-${name}` },
  spec: { containers: [{ name: "web", image: "none" }] },
  status: { phase: "Running", podIP: ip },
});

/** A gateway of its own process with two clusters, pods that answer, and traffic through several routes. */
export interface Stage extends AsyncDisposable {
  readonly east: ServedApiserver;
  readonly west: ServedApiserver;
  readonly pods: Pods;
  readonly gateway: GatewayProcess;
  /** Sends requests to every route. */
  traffic(rounds: number): Promise<void>;
}

const OTHERS = ["accounts", "billing", "catalog", "delivery", "inventory", "mail", "prices", "reviews", "search"];

/** Starts the stage. */
export async function startStage(): Promise<Stage> {
  const east = await serveEmbedded();
  const west = await serveEmbedded();
  const pods = await startPods(3, {
    name: "web",
    answer: async (request, pod) => {
      if (request.url.includes("/fail")) return new Response("no", { status: 502 });
      await Bun.sleep(2 + Math.random() * 12);
      return new Response(pod);
    },
  });
  const ips = pods.all.map(({ ip }) => ip);
  east.api.apply(ips.map((ip, index) => podOf(`web-${index + 1}`, ip)));
  const unready = endpointOf("127.0.0.99", "web-4", {
    conditions: { ready: false, serving: false, terminating: false },
  });
  east.api.apply(
    slice("shop/web", [...ips.map((ip, index) => endpointOf(ip, `web-${index + 1}`)), unready], pods.port),
  );
  east.api.apply(OTHERS.map((name, index) => slice(`shop/${name}`, [`10.1.0.${index + 1}`], 8080)));
  east.api.apply(slice("shop/empty", [], 8080));
  west.api.apply(slice("shop/web", [endpointOf(ips[2]!, "web-3")], pods.port));
  const config = {
    server: { listen: "127.0.0.1:0" },
    admin: { listen: "127.0.0.1:0" },
    discovery: {
      kubernetes: [
        { id: "east", ...clusterBlock(east) },
        { id: "west", ...clusterBlock(west, { required: false }) },
      ],
    },
    routes: [
      { id: "shop", hosts: ["shop.test", "127.0.0.1"], path: "/shop", service: "east/shop/web:http" },
      { id: "checkout", path: "/pay", methods: ["GET", "POST"], service: "east/shop/web:http" },
      {
        id: "canary",
        path: "/canary",
        services: [
          { service: "east/shop/web:http", weight: 9 },
          { service: "west/shop/web:http", weight: 1 },
        ],
      },
      { id: "nobody", path: "/nobody", service: "east/shop/empty:http" },
      { id: "old", path: { exact: "/old" }, redirect: { status: 308, path: "/shop" } },
    ],
  };
  const streams = [{ id: "raw", listen: "127.0.0.1:0", service: "east/shop/web:http" }];
  const gateway = await startGateway({ config: { ...config, streams } });
  const ask = async (path: string): Promise<void> => {
    const response = await gateway.fetch(path);
    await response.text();
  };
  const stop = async (): Promise<void> => {
    await gateway.stop();
    await Promise.all([east.stop(), west.stop(), pods[Symbol.asyncDispose]()]);
  };
  return {
    east,
    west,
    pods,
    gateway,
    async traffic(rounds) {
      for (let round = 0; round < rounds; round++) {
        const paths = ["/shop/a", "/shop/b", "/canary/a", "/pay/a", round % 6 === 0 ? "/pay/fail" : "/pay/b", "/old"];
        await Promise.all(paths.map(ask));
        if (round % 4 === 0) await ask("/nobody");
        await Bun.sleep(40);
      }
    },
    [Symbol.asyncDispose]: stop,
  };
}
