import type { Clock } from "../../../src/base/clock.ts";
import type { Logger } from "../../../src/base/log.ts";
import type { ApiserverOptions } from "../../../src/demo/apiserver.ts";
import { type Cluster, createCluster } from "../../../src/discovery/cluster.ts";
import { createDiscovery } from "../../../src/discovery/discovery.ts";
import { apiserverFeed } from "../../../src/discovery/feeds/apiserver.ts";
import type { Upstream } from "../../../src/discovery/types.ts";
import type { Discovery } from "../../../src/discovery/views.ts";
import { noCredentials } from "../../../src/kubernetes/credentials.ts";
import { clusterConfig } from "../../discovery/support.ts";
import { createFaultyApiserver, type FaultyApiserver } from "../../helpers/apiserver-faults.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { seededRandom } from "../../helpers/random.ts";
import { type History, recordHistory, Violation } from "./history.ts";
import type { Schedule, Setting, Step } from "./schedule.ts";
import { layWire, type Wire } from "./wire.ts";
import { ALL_SERVICES, type Kind, manifest, nodesText, type Sees } from "./world.ts";

/** Bookmarks come well within the idle limit, so that a quiet watch is alive. */
const BOOKMARK_MS = 12_000;
const WATCH_IDLE_MS = 30_000;

/**
 * A healed gateway is in step within: one silent watch (30 s), one request into the void (30 s), the longest pause of
 * the back-off (30 s, and a tenth of Retry-After more), and the slowest transfer a schedule left under way.
 */
const IN_STEP_MS = 150_000;
const LOOK_EVERY_MS = 2000;

/** Where a schedule is played. */
export interface Place {
  readonly clock: Clock;
  readonly api: FaultyApiserver;
  readonly wire: Wire;
  /** Lets what needs no time happen. */
  settle(): Promise<void>;
  /** Lets that many milliseconds of the clock pass. */
  advance(ms: number): Promise<void>;
  /** How much more time than in memory it may take until a gateway is in step. */
  readonly patience: number;
  /** Calls `look` as often as this place can. Returns what stops it. */
  watchOver(look: () => void): () => void;
  close(): Promise<void>;
}

/** In memory, on a clock that jumps. */
export async function inMemory({ setting }: Schedule): Promise<Place> {
  const clock = createFakeClock();
  const api = createFaultyApiserver({ ...apiserverOptions(setting), clock, random: seededRandom(7) });
  let look = (): void => {};
  /** Several looks, one after each step that pending promises make. */
  const lookOn = (left = 12): void => {
    look();
    if (left > 0) queueMicrotask(() => lookOn(left - 1));
  };
  return {
    clock,
    api,
    wire: layWire({ api, clock, onChunk: lookOn }),
    settle: clock.settle,
    advance: clock.advance,
    patience: 1,
    watchOver(fn) {
      look = fn;
      return () => {
        look = () => {};
      };
    },
    close: async () => api.close(),
  };
}

/** How a run ended. */
export type Outcome =
  | { readonly kind: "passed"; readonly samples: number }
  | { readonly kind: "failed"; readonly error: Error; readonly log: readonly string[] };

/** What the configuration of a seed lets the gateway see. */
export function seesOf({ namespaces, notEqual, labels, kind }: Setting): Sees {
  return ({ metadata }) => {
    const namespace = metadata.namespace ?? "";
    if (namespaces !== undefined && !namespaces.includes(namespace)) return false;
    if (namespace === notEqual) return false;
    if (labels && metadata.labels?.team !== "blue") return false;
    return kind === "Endpoints" || metadata.labels?.["kubernetes.io/service-name"] !== undefined;
  };
}

/** The gateway's configuration of a seed. */
export function configOf({ mode, kind, namespaces, notEqual, labels }: Setting) {
  return clusterConfig({
    mode,
    watch_endpoint_slices: kind === "EndpointSlice",
    watch_idle: WATCH_IDLE_MS,
    ...(namespaces && { namespaces: [...namespaces] }),
    ...(notEqual && { namespace_selector: { not_equal: notEqual } }),
    ...(labels && { label_selector: "team=blue" }),
  });
}

/** How the embedded apiserver of a seed behaves. */
export function apiserverOptions(setting: Setting): Partial<ApiserverOptions> {
  return {
    bookmarkInterval: BOOKMARK_MS,
    maxPage: setting.page,
    gone: setting.gone,
    sendInitialEvents: setting.initialEvents,
    gzipBytes: Number.POSITIVE_INFINITY,
  };
}

/** Does what a step says to the cluster; false: the step is about the line to it. */
export function changeCluster(api: FaultyApiserver, kind: Kind, step: Step): boolean {
  const objectsIn = (namespace: string) => api.list(kind, namespace).map(({ metadata }) => metadata.name);
  switch (step.do) {
    case "put":
      api.apply(manifest(step.sketch, kind));
      return true;
    case "remove":
      api.remove(kind, step.namespace, step.name);
      return true;
    case "drop_namespace":
      for (const name of objectsIn(step.namespace)) api.remove(kind, step.namespace, name);
      return true;
    case "end_watches":
      for (const watch of [...api.openWatches]) watch.end();
      return true;
    case "error_event":
      for (const watch of [...api.openWatches]) watch.error();
      return true;
    case "noise":
      for (const watch of [...api.openWatches]) watch.write(step.text);
      return true;
    case "fault":
      api.faults.add(step.fault);
      return true;
    default:
      return false;
  }
}

interface Laboratory extends Place {
  readonly cluster: Cluster;
  readonly discovery: Discovery;
  readonly history: History;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly log: string[];
  /** Looks at every service as a reader would, now. */
  sample(): void;
  /** Throws what a look found, however deep in a callback that was. */
  verdict(): void;
  readonly samples: number;
}

function buildLaboratory({ seed, setting }: Schedule, place: Place): Laboratory {
  const { api, clock, wire } = place;
  const began = clock.now();
  const history = recordHistory(api, setting.kind, seesOf(setting));
  const seen = new Map<string, readonly unknown[]>();
  const upstreams = new Map<string, Upstream>();
  const log: string[] = [];
  let samples = 0;
  let violation: Error | undefined;

  const sample = (): void => {
    if (violation !== undefined) return;
    samples++;
    for (const [service, upstream] of upstreams) {
      const nodes = upstream.endpoints();
      if (seen.get(service) === nodes) continue;
      seen.set(service, nodes);
      try {
        history.saw(service, nodesText(nodes));
      } catch (error) {
        violation = error as Error;
      }
    }
  };
  const logger: Logger = {
    log(level, message) {
      sample();
      log.push(`+${Math.round(clock.now() - began)} ms ${level} ${message}`);
      if (log.length > 400) log.shift();
    },
  };
  const random = seededRandom(seed);
  const cluster = createCluster(
    configOf(setting),
    apiserverFeed({
      connect: async () => ({
        server: "http://apiserver.test",
        fetch: wire.fetch,
        credentials: noCredentials,
        files: [],
        refresh: async () => {},
      }),
    }),
    {
      // The client looks at the clock at every byte and event: a good moment to look over its shoulder. It may do so in the
      // middle of a write, where no reader ever comes: so as soon as that is over.
      clock: {
        ...clock,
        now() {
          queueMicrotask(sample);
          return clock.now();
        },
      },
      random() {
        sample();
        return random();
      },
      logger,
    },
  );
  const discovery = createDiscovery({ clusters: [cluster], multi: false });
  for (const service of ALL_SERVICES) upstreams.set(service, discovery.upstream({ service: `${service}:http` }));
  const stopWatching = place.watchOver(sample);
  return {
    ...place,
    async close() {
      stopWatching();
      history.stop();
      await place.close();
    },
    cluster,
    discovery,
    history,
    upstreams,
    log,
    sample,
    verdict() {
      if (violation !== undefined) throw violation;
    },
    get samples() {
      return samples;
    },
  };
}

function act({ api, wire, upstreams }: Laboratory, { kind }: Setting, step: Step): void {
  if (changeCluster(api, kind, step)) return;
  switch (step.do) {
    case "compact":
      api.compact();
      return;
    case "restart":
      api.compact();
      wire.cut();
      return;
    case "lag":
      wire.lag(step.behind);
      return;
    case "mangle":
      wire.mangle();
      return;
    case "catch_up":
      wire.catchUp();
      return;
    case "reach":
      wire.reach = step.reach;
      return;
    case "flow":
      wire.flow = step.flow;
      return;
    case "cut":
      wire.cut();
      return;
    case "stall":
      wire.stall();
      return;
    case "heal":
      heal(api, wire);
      return;
    case "ask":
      for (const upstream of upstreams.values()) upstream.refresh()?.catch(() => {});
      return;
  }
}

function heal(api: FaultyApiserver, wire: Wire): void {
  api.faults.clear();
  wire.reach = { kind: "open" };
  wire.flow = { kind: "plain" };
  wire.catchUp();
}

/** Where gateway and apiserver differ, in words; undefined: nowhere. */
export function difference(discovery: Discovery, history: History): string | undefined {
  for (const service of ALL_SERVICES) {
    const { nodes } = discovery.query(`${service}:http`);
    const have = nodesText(nodes.map(({ host, port, weight }) => ({ address: `${host}:${port}`, weight })));
    const want = history.now(service);
    if (have !== want) return `${service}: the gateway has ${have || "(none)"}, the apiserver ${want || "(none)"}`;
  }
  return undefined;
}

/** Waits until gateway and apiserver agree; throws when they do not in time. */
async function reachAgreement(laboratory: Laboratory, { mode, namespaces }: Setting): Promise<void> {
  const { clock, discovery, history, cluster, upstreams, api } = laboratory;
  const scopes = namespaces?.length ?? 1;
  const within = IN_STEP_MS * laboratory.patience;
  const until = clock.now() + within;
  const open = (): string | undefined => {
    const watches = api.openWatches.length;
    if (mode === "watch" && watches > scopes)
      return `${watches} watches are open at the apiserver for ${scopes} scopes`;
    return cluster.synced() ? undefined : "the cluster is not synced";
  };
  for (;;) {
    if (mode === "request") for (const upstream of upstreams.values()) upstream.refresh()?.catch(() => {});
    await laboratory.settle();
    laboratory.sample();
    laboratory.verdict();
    const why = difference(discovery, history) ?? open();
    if (why === undefined) return;
    if (clock.now() >= until) {
      throw new Violation(`Not in step ${within} ms after all was healed: ${why}; ${JSON.stringify(cluster.status())}`);
    }
    await laboratory.advance(LOOK_EVERY_MS);
  }
}

/** Plays a schedule. Rejects for no fault of the gateway: what it did wrong is the outcome. */
export async function runSchedule(
  schedule: Schedule,
  place: (schedule: Schedule) => Promise<Place> = inMemory,
): Promise<Outcome> {
  const laboratory = buildLaboratory(schedule, await place(schedule));
  const { cluster, log, wire } = laboratory;
  const stop = new AbortController();
  const done = cluster.run(stop.signal);
  try {
    for (const round of schedule.rounds) {
      for (const step of round) {
        log.push(`-- ${step.do}`);
        if (step.do === "wait") await (step.ms === 0 ? laboratory.settle() : laboratory.advance(step.ms));
        else act(laboratory, schedule.setting, step);
        laboratory.sample();
        laboratory.verdict();
      }
      heal(laboratory.api, wire);
      log.push("-- all healed");
      await reachAgreement(laboratory, schedule.setting);
    }
    stop.abort(new Error("the run is over"));
    await done;
    await laboratory.settle();
    if (wire.open > 0) throw new Violation(`${wire.open} answers are still being read after the end`);
    return { kind: "passed", samples: laboratory.samples };
  } catch (error) {
    stop.abort(new Error("the run failed"));
    return { kind: "failed", error: error as Error, log };
  } finally {
    await laboratory.close();
  }
}
