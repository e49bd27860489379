import type { Clock, Random } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { Upgrade } from "../proxy/websocket-types.ts";
import { createApiserver, type EmbeddedApiserver } from "./apiserver.ts";
import { configText, type DemoPod, NAMESPACE, podObject, SERVICE, serviceObjects } from "./demo-objects.ts";
import { createEcho } from "./echo.ts";
import { isoSeconds, uuid } from "./identity.ts";

/** Answers a request; `peer` is the address of the connection's other end, `upgrade` accepts its WebSockets. */
export type DemoHandler = (request: Request, peer: string, upgrade?: Upgrade) => Response | Promise<Response>;

/** Something that listens. */
export interface DemoListener {
  /** The port it really listens on. */
  readonly port: number;
  stop(): Promise<void>;
}

/** What the demo needs of the world. */
export interface DemoOptions {
  /** Listens on a host; port 0 lets the system choose. Throws or rejects where that address cannot be had. */
  serve(handler: DemoHandler, host: string, port: number): DemoListener | Promise<DemoListener>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger?: Logger | undefined;
}

/** A running demo cluster. */
export interface Demo {
  readonly api: EmbeddedApiserver;
  /** `http://127.0.0.1:PORT`, for kubectl's `--server`. */
  readonly apiserver: string;
  /** The gateway's config, YAML. */
  readonly config: string;
  readonly pods: readonly DemoPod[];
  /** Lines that say what to try. `gateway` is the gateway's URL. */
  hints(gateway: string): readonly string[];
  stop(): Promise<void>;
}

const POD_NAMES = [`${SERVICE}-1`, `${SERVICE}-2`];

/** A pod's process still answers this long after its object is gone: requests under way end as in a cluster. */
const TERMINATION_MS = 2000;

/** Tries at finding one port that is free on every pod's address. */
const PORT_TRIES = 5;

interface RunningPod extends DemoPod {
  readonly listener: DemoListener;
}

/** Starts the pods: each on an address of its own with one port, as in a cluster, where the system has more loopback addresses. */
async function startPods(options: DemoOptions): Promise<RunningPod[]> {
  const { serve, clock, random } = options;
  const start = async (name: string, ip: string, port: number): Promise<RunningPod> => {
    const listener = await serve(createEcho({ pod: name, clock }), ip, port);
    return { name, ip, port: listener.port, uid: uuid(random), listener };
  };
  const startAll = async (ipOf: (index: number) => string, samePort: boolean): Promise<RunningPod[]> => {
    const started: RunningPod[] = [];
    try {
      for (const [index, name] of POD_NAMES.entries()) {
        started.push(await start(name, ipOf(index), samePort ? (started[0]?.port ?? 0) : 0));
      }
      return started;
    } catch (error) {
      await Promise.all(started.map(({ listener }) => listener.stop()));
      throw error;
    }
  };
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    try {
      return await startAll((index) => `127.0.0.${index + 2}`, true);
    } catch (error) {
      options.logger?.log("debug", "the demo's pods cannot have loopback addresses of their own", {
        error: String(error),
      });
    }
  }
  return startAll(() => "127.0.0.1", false);
}

/**
 * A watch whose body begins with a line break, which means nothing between JSON objects. Bun's server completes the head
 * of an answer only with its body's first byte: a client of a quiet watch would not learn that it is open.
 */
function withFirstByte(request: Request, response: Response): Response {
  if (response.body === null || !/[?&]watch=(?:1|true)\b/.test(request.url) || !response.ok) return response;
  const newline = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("\n")),
  });
  return new Response(response.body.pipeThrough(newline), response);
}

/** Starts the demo: an embedded apiserver with the service `demo/echo`, and two pods behind it that really listen. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { clock, random, logger } = options;
  const api = createApiserver({ clock, random, logger });
  const running = await startPods(options);
  const started = isoSeconds(clock.now());
  api.apply([...running.map((pod) => podObject(pod, started)), ...serviceObjects(running)]);
  const listening = new Map(running.map((pod) => [pod.uid, pod.listener]));
  const ends = new Set<() => void>();

  const stopListening = api.onChange((type, { kind, metadata }) => {
    const listener = listening.get(metadata.uid);
    if (type !== "DELETED" || kind !== "Pod" || !listener) return;
    const end = clock.after(TERMINATION_MS, () => {
      ends.delete(end);
      listening.delete(metadata.uid);
      void listener.stop();
    });
    ends.add(end);
  });

  const server = await options.serve(
    async (request) => withFirstByte(request, await api.fetch(request)),
    "127.0.0.1",
    0,
  );
  const apiserver = `http://127.0.0.1:${server.port}`;
  const kubectl = `kubectl --server=${apiserver} -n ${NAMESPACE}`;
  return {
    api,
    apiserver,
    config: configText(server.port),
    pods: running.map(({ listener: _listener, ...pod }) => pod),
    hints: (gateway) => [
      `try: curl ${gateway}/anything`,
      `     ${kubectl} get pods,endpointslices`,
      `     ${kubectl} delete pod ${POD_NAMES[0]}`,
      "     podway init -   (the config of this demo)",
    ],
    async stop() {
      stopListening();
      for (const end of ends) end();
      api.close();
      await Promise.all([server.stop(), ...[...listening.values()].map((listener) => listener.stop())]);
    },
  };
}
