import type { LogFields, Logger, LogLevel } from "../../src/base/log.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { createAutoSource } from "../../src/kubernetes/auto-source.ts";
import { createPoller, type Poller } from "../../src/kubernetes/poller.ts";
import { createReflector, type ReflectorOptions, type StreamReport } from "../../src/kubernetes/reflector.ts";
import type { Change, ChangeSource, KubernetesObject } from "../../src/kubernetes/types.ts";
import { createFakeClock, type FakeClock } from "../helpers/fake-clock.ts";
import { createScriptedApiserver, type ScriptedApiserver, slices } from "../helpers/scripted-apiserver.ts";

/** A line a logger got. */
export interface LogLine {
  level: LogLevel;
  message: string;
  fields: LogFields | undefined;
}

/** Keeps what it is told. */
export function recordingLogger(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  return { lines, logger: { log: (level, message, fields) => lines.push({ level, message, fields }) } };
}

/** A receiver that holds names, as the snapshot would. */
export function createStore() {
  const held = new Map<string, KubernetesObject>();
  const changes: Change<KubernetesObject>[] = [];
  const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ""}/${name}`;
  return {
    changes,
    names: () => [...held.keys()].sort(),
    get: (key: string) => held.get(key),
    apply(change: Change<KubernetesObject>): void {
      changes.push(change);
      if (change.kind === "remove") held.delete(keyOf(change.namespace, change.name));
      if (change.kind === "put")
        held.set(keyOf(change.item.metadata.namespace, change.item.metadata.name), change.item);
      if (change.kind !== "replace") return;
      held.clear();
      for (const item of change.items) held.set(keyOf(item.metadata.namespace, item.metadata.name), item);
    },
  };
}

export interface Bench<S extends ChangeSource> {
  server: ScriptedApiserver;
  clock: FakeClock;
  store: ReturnType<typeof createStore>;
  source: S;
  lines: LogLine[];
  streams: StreamReport[];
  /** Starts it and lets it settle. */
  start(): Promise<void>;
  /** Stops it and waits for its end. */
  stop(): Promise<void>;
}

type Overrides = Partial<ReflectorOptions<KubernetesObject>> & { interval?: number };

function bench<S extends ChangeSource>(
  make: (parts: ReflectorOptions<KubernetesObject>) => S,
  overrides: Overrides,
): Bench<S> {
  const server = createScriptedApiserver();
  const clock = createFakeClock();
  const store = createStore();
  const { logger, lines } = recordingLogger();
  const streams: StreamReport[] = [];
  const api = createApiClient({ connection: server.connection, logger, clock });
  const source = make({
    api,
    collections: [slices],
    decode: (object) => object as KubernetesObject,
    apply: store.apply,
    clock,
    random: () => 0.5,
    logger,
    watchIdle: 75_000,
    onStream: (report) => streams.push(report),
    ...overrides,
  });
  let running: { controller: AbortController; ended: Promise<void> } | undefined;
  return {
    server,
    clock,
    store,
    source,
    lines,
    streams,
    async start() {
      const controller = new AbortController();
      running = { controller, ended: source.run(controller.signal) };
      await clock.settle();
    },
    async stop() {
      running?.controller.abort(new Error("stopped by the test"));
      await running?.ended;
    },
  };
}

/** A reflector on a fake clock, in front of a scripted apiserver. */
export const reflectorBench = (overrides: Overrides = {}): Bench<ChangeSource> => bench(createReflector, overrides);

/** A poller on a fake clock, in front of a scripted apiserver; every 5 s unless told otherwise. */
export const pollerBench = (overrides: Overrides = {}): Bench<Poller> =>
  bench((parts) => createPoller({ interval: 5000, ...parts, ...overrides }), overrides);

/** A source that chooses between both by itself; polls every 5 s when it does. */
export const autoBench = (overrides: Overrides = {}): Bench<ChangeSource> =>
  bench((parts) => {
    let held = 0;
    const apply = (change: Change<KubernetesObject>): void => {
      parts.apply(change);
      if (change.kind === "replace") held = change.items.length;
    };
    return createAutoSource({ interval: 5000, objectCount: () => held, ...parts, apply });
  }, overrides);
