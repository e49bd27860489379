/** The informer of @kubernetes/client-node: `bun watch-informer.ts SERVER`. It is told of every change, as we are. */
import { KubeConfig, makeInformer, type V1EndpointSliceList } from "@kubernetes/client-node";
import { EVENTS, SHAPE, stopwatch } from "./watch-load.ts";

const server = process.argv[2]!;
const config = new KubeConfig();
config.loadFromOptions({
  clusters: [{ name: "bench", server, skipTLSVerify: true }],
  users: [{ name: "bench" }],
  contexts: [{ name: "bench", cluster: "bench", user: "bench" }],
  currentContext: "bench",
});
const path = "/apis/discovery.k8s.io/v1/endpointslices";
const list = async (): Promise<V1EndpointSliceList> =>
  (await fetch(server + path)).json() as Promise<V1EndpointSliceList>;

const informer = makeInformer(config, path, list);
let watching: ReturnType<typeof stopwatch> | undefined;
let added = 0;
let seen = 0;
informer.on("add", () => {
  if (++added === SHAPE.slices) watching = stopwatch();
});
informer.on("update", () => {
  if (++seen === EVENTS) watching!.done();
});
informer.on("error", (error) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
await informer.start();
