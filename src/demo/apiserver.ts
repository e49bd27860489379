import { parseAllDocuments } from "yaml";
import { findByKind } from "./api-docs.ts";
import { arrayOf, fromVersion, isObject } from "./objects.ts";
import { lostConnection, orAbort } from "./pipe.ts";
import { parseApiRequest } from "./request.ts";
import { type Resource, resourceOf } from "./resources.ts";
import { createResponder } from "./respond.ts";
import { badRequest } from "./status.ts";
import { createStore } from "./store.ts";
import type {
  ApiserverOptions,
  ApiserverSettings,
  EmbeddedApiserver,
  Json,
  LoggedRequest,
  StoredObject,
} from "./types.ts";
import { createWatchHub } from "./watch.ts";
import { createWriter } from "./writes.ts";

export type * from "./types.ts";

const DEFAULT_HISTORY = 10_000;

/** Bounds the log of a server that runs for days. */
const LOGGED_REQUESTS = 20_000;

const DEFAULTS: ApiserverSettings = {
  requireToken: undefined,
  authorize: undefined,
  user: "system:serviceaccount:default:podway",
  sliceVersions: ["v1"],
  sendInitialEvents: "on",
  gone: "event",
  refuseLoopback: false,
  gzipBytes: 128 * 1024,
  maxPage: Number.POSITIVE_INFINITY,
  bookmarkInterval: 60_000,
};

function settingsOf(options: ApiserverOptions): ApiserverSettings {
  const {
    clock: _clock,
    random: _random,
    logger: _logger,
    history: _history,
    intercept: _intercept,
    ...given
  } = options;
  return { ...DEFAULTS, ...given };
}

/** The objects of what a caller hands to `apply`, lists taken apart. */
function objectsIn(input: object | readonly object[] | string): Json[] {
  if (typeof input === "string") {
    const documents = parseAllDocuments(input);
    return documents.flatMap((document) => {
      if (document.errors[0]) throw badRequest(`error parsing YAML: ${document.errors[0].message}`);
      const value: unknown = document.toJS();
      return isObject(value) || Array.isArray(value) ? objectsIn(value) : [];
    });
  }
  if (Array.isArray(input)) return input.flatMap((item) => objectsIn(item as object));
  const object = input as Json;
  return String(object.kind).endsWith("List")
    ? arrayOf(object.items).flatMap((item) => objectsIn(item as object))
    : [object];
}

/** Makes an embedded apiserver with the namespaces `default` and `kube-system`. See `EmbeddedApiserver`. */
export function createApiserver(options: ApiserverOptions): EmbeddedApiserver {
  const { clock, random, logger, intercept } = options;
  const settings = settingsOf(options);
  const store = createStore(options.history ?? DEFAULT_HISTORY);
  const writer = createWriter({ store, settings, clock, random });
  const hub = createWatchHub({ store, settings, clock, random });
  const respond = createResponder({ store, settings, writer, hub, clock });
  const requests: LoggedRequest[] = [];
  const closed = new AbortController();
  const asAdmin = { manager: "podway", withStatus: true } as const;

  const ensureNamespace = (name: string): void => {
    if (store.get("namespaces", "", name)) return;
    writer.create(resourceOf("Namespace"), "", { metadata: { name } }, asAdmin);
  };
  ensureNamespace("default");
  ensureNamespace("kube-system");

  function applyOne(input: Json): StoredObject {
    const resource: Resource = findByKind(input.apiVersion, input.kind) ?? resourceOf(String(input.kind));
    const version = String(input.apiVersion ?? "v1")
      .split("/")
      .pop()!;
    const object = fromVersion(resource, version, input);
    const { resourceVersion: _version, ...metadata } = (object.metadata ?? {}) as Json;
    const namespace = resource.namespaced ? String(metadata.namespace ?? "default") : "";
    if (resource.namespaced) ensureNamespace(namespace);
    const draft = structuredClone({ ...object, metadata });
    if (typeof metadata.name !== "string") return writer.create(resource, namespace, draft, asAdmin);
    return writer.update(resource, namespace, metadata.name, draft, asAdmin);
  }

  async function serve(request: Request): Promise<Response> {
    const facts = parseApiRequest(request, clock.now(), settings);
    if (requests.length >= LOGGED_REQUESTS) requests.splice(0, LOGGED_REQUESTS / 2);
    requests.push(facts.logged);
    logger?.log("debug", "apiserver request", { method: request.method, path: facts.logged.path });
    const signal = AbortSignal.any([request.signal, closed.signal]);
    signal.throwIfAborted();
    const answer = () => respond(request, facts, signal);
    return orAbort(intercept === undefined ? answer() : intercept(facts.logged, signal, answer), signal);
  }

  return {
    async fetch(input, init) {
      if (typeof input !== "string") return serve(input);
      const answer = await serve(new Request(new URL(input, "http://apiserver.test"), init));
      if (answer.headers.get("content-encoding") !== "gzip") return answer;
      const headers = new Headers(answer.headers);
      headers.delete("content-encoding");
      headers.delete("content-length");
      return new Response(answer.body!.pipeThrough(new DecompressionStream("gzip")), {
        status: answer.status,
        headers,
      });
    },
    settings,
    apply: (input) => objectsIn(input).map(applyOne),
    remove(kind, namespace, name) {
      const resource = resourceOf(kind);
      if (!store.get(resource.plural, namespace, name)) return false;
      writer.remove(resource, namespace, name);
      return true;
    },
    get: (kind, namespace, name) => store.get(resourceOf(kind).plural, namespace, name),
    list: (kind, namespace) =>
      store
        .list(resourceOf(kind).plural)
        .filter((object) => namespace === undefined || object.metadata.namespace === namespace),
    compact: (keep = 0) => store.compact(keep),
    get resourceVersion() {
      return String(store.version);
    },
    requests,
    openWatches: hub.open,
    onChange: (fn) => store.subscribe(({ type, object }) => fn(type, object)),
    close() {
      hub.close();
      closed.abort(lostConnection());
    },
  };
}
