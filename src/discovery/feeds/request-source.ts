import { untilAborted } from "../../kubernetes/abort-scope.ts";
import type { ApiClient } from "../../kubernetes/api-client.ts";
import { createBackoff } from "../../kubernetes/backoff.ts";
import { ApiError, toApiError } from "../../kubernetes/errors.ts";
import { type FullList, listAll, replaceBy } from "../../kubernetes/list-all.ts";
import { tryDecode } from "../../kubernetes/skipped-objects.ts";
import { createStatusTracker } from "../../kubernetes/source-status.ts";
import type { ChangeSource, Collection, Decoder } from "../../kubernetes/types.ts";
import { SERVICE_NAME_LABEL } from "../records/object-reader.ts";
import type { ClusterStore } from "../store/cluster-store.ts";

/** Asks the apiserver about one service at a time, when a request needs it (mode `request`). */
export interface RequestSource extends ChangeSource {
  /**
   * Brings one service up to date. Those who ask while an answer is under way share it. Resolves, never rejects: after
   * a failure the last good answer is still there, if there was one.
   */
  ask(namespace: string, name: string): Promise<void>;
  /** True when the apiserver has answered about this service at least once. */
  answered(key: string): boolean;
}

/** Every cluster has this service; the first call asks for it just to learn whether asking works. */
const PROBE = "kubernetes";

/** Services remembered as answered; the one asked for least recently is forgotten. */
const ANSWERS = 10_000;

/** What there is of one service. */
type Found<T> = Pick<FullList<T>, "items" | "skipped">;
const NONE: Found<never> = { items: [], skipped: [] };

/** Adds one more requirement to a label selector. */
const withLabel = (selector: string | undefined, requirement: string): string =>
  selector === undefined ? requirement : `${selector},${requirement}`;

/**
 * A source that does nothing on its own but one first call, repeated until it succeeds. `onAnswer`: a call succeeded,
 * and the snapshot holds its answer.
 */
export function createRequestSource(store: ClusterStore, api: ApiClient, onAnswer: () => void): RequestSource {
  const { config, decoders, snapshot, clock, random, logger } = store;
  const { scopes } = store.plan;
  const tracker = createStatusTracker({ clock, logger, label: "single services", onStatus: store.statusChanged });
  const running = new Map<string, Promise<void>>();
  // What a file restored was answered once.
  const answered = new Set([...snapshot.slices.keys(), ...snapshot.services.keys()]);
  const stopped = new AbortController();
  let ready = false;

  /** One service out of a collection, through the collection's own selectors. */
  const oneService = (collection: Collection, namespace: string, name: string): Collection =>
    collection.resource === "endpointslices"
      ? {
          ...collection,
          namespace,
          labelSelector: withLabel(collection.labelSelector, `${SERVICE_NAME_LABEL}=${name}`),
        }
      : { ...collection, namespace, fieldSelector: `metadata.name=${name}` };

  /** A GET of the object, where no label has to be looked at: it needs the verb `get` only. */
  const getOne = async <T>(
    collection: Collection,
    namespace: string,
    name: string,
    read: Decoder<T>,
  ): Promise<Found<T>> => {
    const path = [collection.groupVersion, "namespaces", namespace, collection.resource, name];
    try {
      const object = await api.get(`/${path.map(encodeURI).join("/")}`, stopped.signal, collection);
      const { item, skipped } = tryDecode(read, object);
      return { items: item === undefined ? [] : [item], skipped: skipped === undefined ? [] : [skipped] };
    } catch (error) {
      if (error instanceof ApiError && error.code === "not_found") return NONE;
      throw error;
    }
  };

  /** Collections whose server turned out to offer them: asked for first from then on. */
  const offered = new WeakSet<Collection>();

  /** The first of the collection's forms that the server offers. */
  const read = async <T>(
    collections: readonly Collection[],
    namespace: string,
    name: string,
    decoder: Decoder<T>,
  ): Promise<Found<T>> => {
    const known = collections.find((one) => offered.has(one));
    const collection = known ?? collections[0]!;
    if (collection.resource !== "endpointslices" && collection.labelSelector === undefined) {
      return getOne(collection, namespace, name, decoder);
    }
    try {
      const one = oneService(collection, namespace, name);
      const found = await listAll({ api, collection: one, decode: decoder }, stopped.signal);
      offered.add(collection);
      return found;
    } catch (error) {
      const others = collections.filter((one) => one !== collection);
      if (!(error instanceof ApiError) || error.code !== "not_found" || others.length === 0) throw error;
      offered.delete(collection);
      return read(others, namespace, name, decoder);
    }
  };

  const succeeded = (): void => {
    ready = true;
    tracker.byte(clock.now());
    tracker.enter("on_request");
    tracker.recovered();
    onAnswer();
  };

  const update = async (namespace: string, name: string): Promise<void> => {
    const scope = store.partOf(namespace)?.plan;
    if (scope === undefined) return;
    const key = `${namespace}/${name}`;
    try {
      const [slices, services] = await Promise.all([
        read(scope.endpoints, namespace, name, decoders.slices),
        scope.services === undefined ? NONE : read(scope.services, namespace, name, decoders.services),
      ]);
      for (const { namespace, name } of [...slices.items, ...services.items]) tracker.skips.taken(namespace, name);
      for (const object of [...slices.skipped, ...services.skipped]) tracker.skips.skipped(object);
      if (slices.items.length > 0 || services.items.length > 0 || snapshot.reader.get(key) !== undefined) {
        snapshot.serviceWriter(key)(replaceBy(services));
        snapshot.writer(key)(replaceBy(slices));
      }
      answered.delete(key);
      answered.add(key);
      if (answered.size > ANSWERS) answered.delete(answered.values().next().value!);
      succeeded();
    } catch (error) {
      if (!stopped.signal.aborted)
        tracker.failed(toApiError(error, { verb: "get", collection: scope.endpoints[0], server: api.server }));
    }
  };

  /** Whether asking works at all: what it finds does not matter. */
  const probe = async (): Promise<void> => {
    for (const scope of scopes) {
      const namespace = scope.namespace ?? config.namespace;
      await read(scope.endpoints, namespace, PROBE, () => undefined);
    }
  };

  return {
    ask(namespace, name) {
      const key = `${namespace}/${name}`;
      let asking = running.get(key);
      if (asking === undefined) {
        asking = update(namespace, name).finally(() => running.delete(key));
        running.set(key, asking);
      }
      return asking;
    },
    answered: (key) => answered.has(key),
    get status() {
      return tracker.snapshot();
    },
    async run(signal) {
      const stop = (): void => stopped.abort(signal.reason);
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      const backoff = createBackoff(random);
      while (!ready && !signal.aborted) {
        try {
          await probe();
          succeeded();
        } catch (error) {
          if (signal.aborted) break;
          const failure = toApiError(error, { verb: "get", collection: scopes[0]?.endpoints[0], server: api.server });
          tracker.failed(failure);
          await clock.sleep(backoff.next(failure.retryAfterMs), signal).catch(() => {});
        }
      }
      await untilAborted(signal);
    },
  };
}
