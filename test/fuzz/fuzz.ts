import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { endpointSliceDecoder } from "../../src/discovery/records/endpoint-slices.ts";
import { endpointsDecoder } from "../../src/discovery/records/endpoints.ts";
import { type SliceRecord, unpackEndpoints } from "../../src/discovery/records/slice-record.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { noCredentials } from "../../src/kubernetes/credentials.ts";
import { createReflector } from "../../src/kubernetes/reflector.ts";
import type { Change, Collection, Decoder } from "../../src/kubernetes/types.ts";
import { seededRandom } from "../helpers/random.ts";
import { chunksOf, mutate } from "./mutate.ts";
import { type Expected, expectList, expectWatch, type Held } from "./reference.ts";

/** What an apiserver sent: a list, and the watch that followed it. */
interface Recording {
  readonly name: string;
  readonly collection: Collection;
  readonly list: Uint8Array<ArrayBuffer>;
  readonly watch: Uint8Array<ArrayBuffer>;
  readonly decode: Decoder<SliceRecord>;
}

const FOLDER = join(import.meta.dir, "../fixtures/recorded");

/** A copy of its own: a Buffer's `slice` would share its bytes. */
const bytesOf = (file: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(join(FOLDER, file)));

/** All recordings there are. */
export function recordings(): Recording[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith("-list.json"));
  return names.sort().map((file) => {
    const name = file.replace("-list.json", "");
    const slices = name.endsWith("endpointslices");
    const options = { keepNamespace: () => true };
    return {
      name,
      collection: slices
        ? {
            groupVersion: `apis/discovery.k8s.io/${name.startsWith("real") ? "v1beta1" : "v1"}`,
            resource: "endpointslices",
            listKind: "EndpointSliceList",
          }
        : { groupVersion: "api/v1", resource: "endpoints", listKind: "EndpointsList" },
      list: bytesOf(file),
      watch: bytesOf(`${name}-watch.jsonl`),
      decode: slices ? endpointSliceDecoder(options) : endpointsDecoder(options),
    };
  });
}

/** A clock whose timers never fire and whose pauses take no time: a case is over before anything could fall due. */
const instantClock: Clock = { now: () => 0, after: () => () => {}, sleep: async () => {} };

/** What came of a case. */
interface Actual {
  readonly held: Held;
  readonly next: "list" | "watch" | "page";
  readonly version: string;
}

/** Gives a reflector these answers, and tells what it holds and asks for when they are used up. */
function run(recording: Recording, answers: readonly (() => Response)[]): Promise<Actual> {
  const held: Held = new Map();
  const stop = new AbortController();
  const ended = Promise.withResolvers<Actual>();
  let asked = 0;
  const fetch = async (input: string): Promise<Response> => {
    const answer = answers[asked++];
    if (answer !== undefined) return answer();
    const query = new URL(input).searchParams;
    const next = query.has("continue") ? "page" : query.get("watch") === "true" ? "watch" : "list";
    ended.resolve({ held, next, version: query.get("resourceVersion") ?? "" });
    stop.abort(new Error("the case is over"));
    return new Promise(() => {});
  };
  const apply = (change: Change<SliceRecord>): void => {
    if (change.kind === "remove") held.delete(`${change.namespace}/${change.name}`);
    else if (change.kind === "put") held.set(`${change.item.namespace}/${change.item.name}`, change.item);
    else {
      held.clear();
      for (const item of change.items) held.set(`${item.namespace}/${item.name}`, item);
    }
  };
  const connection = {
    server: "http://apiserver.test",
    fetch,
    credentials: noCredentials,
    files: [],
    refresh: async () => {},
  };
  const reflector = createReflector({
    api: createApiClient({ connection, logger: silentLogger, clock: instantClock }),
    collections: [recording.collection],
    decode: recording.decode,
    apply,
    clock: instantClock,
    random: () => 0.5,
    logger: silentLogger,
    watchIdle: 75_000,
  });
  reflector.run(stop.signal).then(
    () => ended.reject(new Error("the reflector ended by itself")),
    (error) => ended.reject(error),
  );
  return ended.promise;
}

const textOf = (held: Held): string =>
  [...held]
    .map(([key, record]) => `${key} ${JSON.stringify(record)}`)
    .sort()
    .join("\n");

/** What may stand in a URL's authority without being read as something else: whether somebody has that address is not asked. */
const ADDRESS = /^[0-9]{1,3}(\.[0-9]{1,3}){3}$|^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/;

/** Addresses that are held and are none. */
function impossible(held: Held): string[] {
  return [...held.values()].flatMap(({ groups }) =>
    groups.flatMap(({ packed }) =>
      [...unpackEndpoints(packed)].map(({ host }) => host).filter((host) => !ADDRESS.test(host)),
    ),
  );
}

/** What is wrong, in words; undefined: nothing. */
function judge(expected: Expected, actual: Actual): string | undefined {
  if (textOf(expected.held) !== textOf(actual.held))
    return `held:\n${textOf(actual.held)}\nexpected:\n${textOf(expected.held)}`;
  if (expected.next !== "either" && expected.next !== actual.next)
    return `asked for a ${actual.next} next, expected a ${expected.next}`;
  if (actual.next === "watch" && expected.next === "watch" && actual.version !== expected.version) {
    return `watches from ${actual.version}, expected ${expected.version}`;
  }
  const none = impossible(actual.held);
  return none.length > 0 ? `no addresses: ${none.join(", ")}` : undefined;
}

function streamed(chunks: readonly Uint8Array[]): Response {
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(out) {
      const chunk = chunks[at++];
      if (chunk === undefined) out.close();
      else out.enqueue(chunk);
    },
  });
  return new Response(body);
}

export interface FuzzResult {
  readonly cases: number;
  readonly seconds: number;
  /** How many led to a list anew, to a watch that goes on, to a next page. */
  readonly next: Readonly<Record<string, number>>;
  /** Bytes of heap the second half of the run added. */
  readonly growth: number;
}

export interface FuzzOptions {
  readonly cases: number;
  readonly seed: number;
  /** Only this case. */
  readonly only?: number | undefined;
  readonly onProgress?: (done: number) => void;
}

function heapNow(): number {
  Bun.gc(true);
  return process.memoryUsage().heapUsed;
}

/** A case that takes longer hangs, milliseconds. */
const HANGS_MS = 20_000;

/**
 * Random mutations of recorded answers, each through the whole client from fetch to the receiver. Every case must end in
 * exactly what the plainest reading of the same bytes gives: the right objects, then (if something cannot be read) a
 * list anew with everything before that kept. Rejects with the first case that does not, and how to repeat it.
 */
export async function fuzz({ cases, seed, only, onProgress }: FuzzOptions): Promise<FuzzResult> {
  const sources = recordings();
  const bodies = sources.flatMap(({ list, watch }) => [list, watch]);
  const whole = new Map(
    sources.map((source) => [source, expectList(source.list, source.collection.listKind, source.decode)]),
  );
  const next: Record<string, number> = {};
  const began = performance.now();
  let halfway = 0;
  for (let i = only ?? 0; i < (only === undefined ? cases : only + 1); i++) {
    const random = seededRandom(Math.imul(seed, 0x9e3779b1) + i);
    const source = sources[Math.floor(random() * sources.length)]!;
    const before = whole.get(source)!;
    const inList = random() < 0.4;
    const body = mutate(inList ? source.list : source.watch, random, bodies);
    const chunks = chunksOf(body, random);
    const where = `case ${i} of seed ${seed} (${source.name}, ${inList ? "list" : "watch"})`;
    const expected = inList
      ? expectList(body, source.collection.listKind, source.decode)
      : expectWatch(body, before.held, before.version, source.decode);
    const answers = inList ? [() => streamed(chunks)] : [() => new Response(source.list), () => streamed(chunks)];
    const hangs = setTimeout(() => {
      throw new Error(`${where} hangs`);
    }, HANGS_MS);
    try {
      const actual = await run(source, answers);
      const wrong = judge(expected, actual);
      if (wrong !== undefined) throw new Error(wrong);
      next[actual.next] = (next[actual.next] ?? 0) + 1;
    } catch (cause) {
      throw new Error(
        `${where}: ${(cause as Error).message}\n${new TextDecoder().decode(body)}\nreplay: bun run test:fuzz --seed ${seed} --case ${i}`,
        { cause },
      );
    } finally {
      clearTimeout(hangs);
    }
    if (i === Math.floor(cases / 2)) halfway = heapNow();
    if (i % 1000 === 999) onProgress?.(i + 1);
  }
  return { cases, seconds: (performance.now() - began) / 1000, next, growth: Math.max(0, heapNow() - halfway) };
}
