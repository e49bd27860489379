import type { Clock, Random } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { HttpAnswer } from "../http/message.ts";
import { createApiserver, type EmbeddedApiserver } from "./apiserver.ts";
import { configText, type DemoPod, NAMESPACE, podObject, SERVICE, serviceObjects } from "./demo-objects.ts";
import { createEchoPod } from "./echo-pod.ts";
import { isoSeconds, uuid } from "./identity.ts";

/** Answers a request; `peer` is the address of the connection's other end. */
export type DemoHandler = (request: Request, peer: string) => HttpAnswer | Promise<HttpAnswer>;

/** Something that listens. */
export interface DemoListener {
  /** The port it really listens on. */
  readonly port: number;
  stop(): Promise<void>;
}

/** What the demo needs of the world. */
export interface DemoOptions {
  /** Listens on a host; port 0 lets the system choose. Rejects where that address cannot be had. */
  serve(handler: DemoHandler, host: string, port: number): Promise<DemoListener>;
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
  /** Lines that say what to try. `gateway` is the gateway's URL, `program` what a person types to start it. */
  hints(gateway: string, program: string): readonly string[];
  stop(): Promise<void>;
}

const POD_NAMES = [`${SERVICE}-1`, `${SERVICE}-2`];

/** A pod's process still answers this long after its object is gone: requests under way end as in a cluster. */
const TERMINATION_MS = 2000;

/** Another pod is ready this long after the end of one that was deleted. */
const START_MS = 3000;

/** Tries at finding one port that is free on every pod's address. */
const PORT_TRIES = 5;

interface RunningPod extends DemoPod {
  readonly listener: DemoListener;
}

/**
 * Starts the pods: each on an address of its own with one port, as in a cluster, where the system has more loopback
 * addresses.
 */
async function startPods(options: DemoOptions): Promise<RunningPod[]> {
  const { serve, clock, random } = options;
  const start = async (name: string, ip: string, port: number): Promise<RunningPod> => {
    const listener = await serve(createEchoPod({ pod: name, clock }), ip, port);
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

/** Starts the demo: an embedded apiserver with the service `demo/echo`, and two pods behind it that really listen. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { clock, random, logger } = options;
  const api = createApiserver({ clock, random, logger });
  const first = await startPods(options);
  /** Every pod that listens, those that end among them. */
  const listening = new Map(first.map((pod) => [pod.uid, pod]));
  const ending = new Set<string>();
  const ends = new Set<() => void>();
  let made = first.length;
  let stopped = false;

  const soon = (ms: number, work: () => void): void => {
    const end = clock.after(ms, () => {
      ends.delete(end);
      work();
    });
    ends.add(end);
  };

  /** What the cluster's controllers would write of these pods. */
  function publish(fresh: readonly DemoPod[]): void {
    const started = isoSeconds(clock.now());
    const ready = [...listening.values()].filter(({ uid }) => !ending.has(uid));
    api.apply([...fresh.map((pod) => podObject(pod, started)), ...serviceObjects(ready)]);
  }

  /** Another pod in the place of one that is gone, as a Deployment makes it: with a name of its own. */
  async function replace({ ip, port }: RunningPod): Promise<void> {
    const name = `${SERVICE}-${++made}`;
    try {
      const listener = await options.serve(createEchoPod({ pod: name, clock }), ip, port);
      const pod = { name, ip, port: listener.port, uid: uuid(random), listener };
      if (stopped) return await listener.stop();
      listening.set(pod.uid, pod);
      publish([pod]);
    } catch (error) {
      logger?.log("warn", "the demo's pod cannot be replaced", { address: `${ip}:${port}`, error: String(error) });
    }
  }

  publish(first);
  const stopFollowing = api.onChange((type, { kind, metadata }) => {
    const pod = listening.get(metadata.uid);
    if (type !== "DELETED" || kind !== "Pod" || !pod) return;
    ending.add(pod.uid);
    soon(TERMINATION_MS, () => {
      listening.delete(pod.uid);
      ending.delete(pod.uid);
      void pod.listener.stop();
      soon(START_MS, () => void replace(pod));
    });
  });

  const server = await options.serve((request) => api.fetch(request), "127.0.0.1", 0);
  const apiserver = `http://127.0.0.1:${server.port}`;
  const kubectl = `kubectl --server=${apiserver} -n ${NAMESPACE}`;
  return {
    api,
    apiserver,
    config: configText(server.port),
    pods: first.map(({ listener: _listener, ...pod }) => pod),
    hints: (gateway, program) => [
      `try: curl ${gateway}/anything`,
      `     ${kubectl} get pods,endpointslices`,
      `     ${kubectl} delete pod ${POD_NAMES[0]}`,
      `     ${program} init - --apiserver ${apiserver} --service ${NAMESPACE}/${SERVICE}:http`,
    ],
    async stop() {
      stopped = true;
      stopFollowing();
      for (const end of ends) end();
      api.close();
      await Promise.all([server.stop(), ...[...listening.values()].map(({ listener }) => listener.stop())]);
    },
  };
}
