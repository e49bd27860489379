import { createApiClient } from "../../kubernetes/api-client.ts";
import { serverUrl } from "../../kubernetes/connect.ts";
import type { ApiserverConnection } from "../../kubernetes/connection.ts";
import type { Change, ChangeSource, Collection, Decoder } from "../../kubernetes/types.ts";
import type { ClusterOptions } from "../options.ts";
import { describeState } from "../resolve/freshness.ts";
import type { ClusterStore } from "../store/cluster-store.ts";
import type { SnapshotFiles } from "../store/snapshot-files.ts";
import { createSnapshotPersister } from "../store/snapshot-persister.ts";
import { createSource } from "./collection-source.ts";
import { keepConnecting, refreshOnChange, type WatchFiles } from "./connecting.ts";
import type { CreateFeed, Feed } from "./feed.ts";
import { createRequestSource, type RequestSource } from "./request-source.ts";
import type { TrackedSource } from "./tracked-source.ts";

export interface ApiserverFeedOptions {
  /** Opens the way to the apiserver; tried again, with pauses, when it rejects. */
  connect(config: ClusterOptions): Promise<ApiserverConnection>;
  /** undefined where there are no files. */
  readonly watchFiles?: WatchFiles | undefined;
  /** undefined where there are no files: no snapshot is kept then. */
  readonly snapshotFiles?: SnapshotFiles | undefined;
  /** @default "podway" */
  readonly userAgent?: string | undefined;
}

/** Feeds a store from the apiserver as its `mode` says: by list-watch, by polling, by either, or per request. */
export function apiserverFeed(options: ApiserverFeedOptions): CreateFeed {
  return (store) => createApiserverFeed(store, options);
}

function createApiserverFeed(store: ClusterStore, options: ApiserverFeedOptions): Feed {
  const { config, clock, random, logger, snapshot, decoders, statusChanged } = store;
  const path = config.snapshot_file;
  const persister =
    path === undefined || options.snapshotFiles === undefined
      ? undefined
      : createSnapshotPersister(store, options.snapshotFiles.open(path));
  const sources: ChangeSource[] = [];
  /** Mode `request`. */
  let requests: RequestSource | undefined;

  /** Serves what the file holds until the apiserver answers. */
  const restore = async (server: string): Promise<void> => {
    const stored = await persister?.restore(server);
    if (stored === undefined) return;
    for (const [scope, items] of stored.slices) {
      const write = (): void => snapshot.writer(scope)({ kind: "replace", items });
      if (store.journal === undefined) write();
      else store.journal.takeList(items.length, { why: "file", first: true }, write);
    }
    for (const [scope, items] of stored.services) snapshot.serviceWriter(scope)({ kind: "replace", items });
    for (const source of [...store.endpoints, ...store.services]) source.restored(stored.written);
    const { services, endpoints } = snapshot.reader.counts();
    logger.log("info", "Serving from snapshot_file until the first list", { path, services, endpoints });
  };

  const connect = async (signal: AbortSignal): Promise<ApiserverConnection> => {
    // A kubeconfig says only when it is read whose server it is.
    const named = config.client.kubeconfig === undefined;
    if (named && persister !== undefined) await restore(serverUrl(config.service!));
    const connection = await keepConnecting(store, () => options.connect(config), signal);
    if (!named) await restore(connection.server);
    refreshOnChange(connection, options.watchFiles, logger, signal);
    return connection;
  };

  const start = (connection: ApiserverConnection): void => {
    const api = createApiClient({ connection, logger, clock, userAgent: options.userAgent });
    const follow = <T>(
      source: TrackedSource,
      collections: readonly Collection[],
      records: ReadonlyMap<string, unknown>,
      decode: Decoder<T>,
      receive: (change: Change<T>) => void,
    ): void => {
      const apply = (change: Change<T>): void => {
        receive(change);
        persister?.received();
      };
      const common = { api, collections, decode, apply, objectCount: () => records.size, clock, random, logger };
      const made = createSource(config, { ...common, onStatus: statusChanged });
      source.attach(made);
      sources.push(made);
    };
    for (const { plan, scope, endpoints, services, receiveSlices, receiveServices } of store.parts) {
      follow(endpoints, plan.endpoints, snapshot.slices.get(scope)!, decoders.slices, receiveSlices);
      if (services === undefined || plan.services === undefined) continue;
      follow(services, plan.services, snapshot.services.get(scope)!, decoders.services, receiveServices);
    }
  };

  const startRequests = (connection: ApiserverConnection): void => {
    const [source] = store.endpoints;
    const api = createApiClient({ connection, logger, clock, userAgent: options.userAgent });
    requests = createRequestSource(store, api, () => {
      source!.answered();
      persister?.received();
    });
    source!.attach(requests);
    sources.push(requests);
  };

  const perRequest: Pick<Feed, "refresh" | "unavailable"> = {
    async refresh(namespace, name) {
      await store.condition.until(() => requests !== undefined || !store.running);
      await requests?.ask(namespace, name);
    },
    unavailable(namespace, name) {
      if (requests?.answered(`${namespace}/${name}`) === true) return undefined;
      const state = describeState(store.partOf(namespace)!.sync);
      return { why: "not_synced", detail: `the apiserver has not answered about it: ${state}` };
    },
  };

  return {
    async run(signal) {
      try {
        const connection = await connect(signal);
        if (config.mode === "request") startRequests(connection);
        else start(connection);
        statusChanged();
        await Promise.all(sources.map((source) => source.run(signal)));
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    close: () => persister?.close(),
    snapshotFile: () => persister && { ...persister.status(), restored: store.synced() && !store.listed() },
    ...(config.mode === "request" && perRequest),
  };
}
