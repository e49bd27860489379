import { parse as parseYaml } from "yaml";
import type { Clock } from "../base/clock.ts";
import { apiDocument, openApiV2Protobuf } from "./api-docs.ts";
import { checkFields } from "./fields.ts";
import { listMeta, listPage, listText } from "./list.ts";
import { fromVersion, isObject, objectText, toVersion } from "./objects.ts";
import { jsonPatch, mergePatch, strategicMerge } from "./patch.ts";
import { podProxyAnswer } from "./pod-proxy.ts";
import { tableText } from "./printing.ts";
import type { ApiRequest } from "./request.ts";
import { knownVersion, type ResourceTarget } from "./resources.ts";
import { isReview, reviewAnswer } from "./reviews.ts";
import {
  badRequest,
  forbidden,
  methodNotAllowed,
  notFound,
  StatusError,
  unauthorized,
  unknownResource,
  unsupportedMedia,
} from "./status.ts";
import type { Store } from "./store.ts";
import type { ApiserverSettings, ApiVerb, Json, StoredObject } from "./types.ts";
import type { WatchFormat, WatchHub } from "./watch.ts";
import { type AnswerFormat, compressed, formatOf, plain, readBody, readObjectBody, write } from "./wire.ts";
import type { WriteOptions, Writer } from "./writes.ts";

/**
 * As Kubernetes answers since 1.27: Go's mime package reads no "@" in a media type, which clients may still ask for
 * with one.
 */
const OPENAPI_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** Makes the function that answers requests. It never rejects for what a client did wrong. */
export function createResponder(options: {
  readonly store: Store;
  readonly settings: ApiserverSettings;
  readonly writer: Writer;
  readonly hub: WatchHub;
  readonly clock: Clock;
}): (request: Request, facts: ApiRequest, signal: AbortSignal) => Promise<Response> {
  const { store, settings, writer, hub, clock } = options;

  function authenticate(request: Request): void {
    const { requireToken } = settings;
    if (requireToken === undefined) return;
    const tokens = typeof requireToken === "string" ? [requireToken] : requireToken;
    const given = /^Bearer +(.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
    if (given === undefined || !tokens.includes(given)) throw unauthorized();
  }

  function permit({ resource, namespace, name, subresource }: ResourceTarget, verb: ApiVerb): void {
    if (settings.authorize?.(verb, resource.plural, namespace) ?? true) return;
    const plural = subresource ? `${resource.plural}/${subresource}` : resource.plural;
    throw forbidden(settings.user, verb, plural, resource.group, namespace, name);
  }

  const writeOptions = (request: Request, query: URLSearchParams): WriteOptions => ({
    manager: query.get("fieldManager") ?? request.headers.get("user-agent")?.split("/")[0] ?? "unknown",
    dryRun: query.get("dryRun") === "All",
  });

  const one = (
    { resource, version }: ResourceTarget,
    object: StoredObject,
    format: AnswerFormat,
    query: URLSearchParams,
    code = 200,
  ) => {
    const shown = toVersion(resource, version, object);
    if (format.as !== "table") return write(objectText(shown), format, code);
    const meta = { resourceVersion: object.metadata.resourceVersion };
    return write(
      tableText(resource, [shown], {
        now: clock.now(),
        include: query.get("includeObject") ?? "Metadata",
        columns: true,
        meta,
      }),
      format,
      code,
    );
  };

  const found = ({ resource, namespace = "", name = "" }: ResourceTarget): StoredObject => {
    const object = store.get(resource.plural, namespace, name);
    if (!object) throw notFound(resource.plural, resource.group, name);
    return object;
  };

  function list(target: ResourceTarget, format: AnswerFormat, query: URLSearchParams): Response {
    const page = listPage(store, target, query, settings);
    if (format.as !== "table") return write(listText(target, page), format, 200);
    const items = page.items.map((object) => toVersion(target.resource, target.version, object));
    const include = query.get("includeObject") ?? "Metadata";
    return write(
      tableText(target.resource, items, { now: clock.now(), include, columns: true, meta: listMeta(page) }),
      format,
      200,
    );
  }

  function watch(facts: ApiRequest, target: ResourceTarget, format: AnswerFormat, signal: AbortSignal): Response {
    const as: WatchFormat =
      format.as === "table"
        ? { as: "table", include: facts.logged.query.get("includeObject") ?? "Metadata" }
        : { as: "object" };
    const body = hub.watch({ logged: facts.logged, target, format: as, signal });
    return new Response(body, {
      headers: { "content-type": "application/json", "cache-control": "no-cache, private" },
    });
  }

  async function patch(
    request: Request,
    target: ResourceTarget,
    format: AnswerFormat,
    query: URLSearchParams,
  ): Promise<Response> {
    const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim();
    const body = type === "application/apply-patch+yaml" ? parseYaml(await request.text()) : await readBody(request);
    const { resource, version, namespace = "", name = "" } = target;
    const current = store.get(resource.plural, namespace, name);
    const options = writeOptions(request, query);
    if (!current) {
      if (type !== "application/apply-patch+yaml" || !isObject(body))
        throw notFound(resource.plural, resource.group, name);
      return one(
        target,
        writer.create(resource, namespace, fromVersion(resource, version, body), options),
        format,
        query,
        201,
      );
    }
    const shown = toVersion(resource, version, current);
    const patched = ((): unknown => {
      switch (type) {
        case "application/merge-patch+json":
          return mergePatch(shown, body);
        case "application/json-patch+json":
          return jsonPatch(shown, body);
        case "application/strategic-merge-patch+json":
        case "application/apply-patch+yaml":
          return strategicMerge(resource.kind, shown, body);
        default:
          throw unsupportedMedia([
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/strategic-merge-patch+json",
            "application/apply-patch+yaml",
          ]);
      }
    })();
    if (!isObject(patched)) throw badRequest("the patch does not leave an object");
    const next = fromVersion(resource, version, patched);
    checkFields(resource, next, query);
    const stored =
      target.subresource === "status"
        ? writer.updateStatus(resource, namespace, name, next, options)
        : writer.update(resource, namespace, name, next, options);
    return one(target, stored, format, query);
  }

  async function remove(
    request: Request,
    target: ResourceTarget,
    format: AnswerFormat,
    query: URLSearchParams,
  ): Promise<Response> {
    const body = await readBody(request);
    const { preconditions, dryRun } = isObject(body) ? body : {};
    const options = {
      preconditions,
      graceful: true,
      dryRun: query.get("dryRun") === "All" || (Array.isArray(dryRun) && dryRun.includes("All")),
    };
    const { resource, namespace = "", name } = target;
    if (name === undefined) {
      const page = listPage(store, target, query, settings);
      for (const { metadata } of page.items) writer.remove(resource, metadata.namespace ?? "", metadata.name, options);
      return write(listText(target, page), format, 200);
    }
    const removed = writer.remove(resource, namespace, name, options);
    if (resource.deleteAnswersObject) return one(target, removed, format, query);
    const details = {
      name,
      ...(resource.group && { group: resource.group }),
      kind: resource.plural,
      uid: removed.metadata.uid,
    };
    return write(
      JSON.stringify({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details }),
      format,
      200,
    );
  }

  async function resourceAnswer(
    request: Request,
    facts: ApiRequest,
    target: ResourceTarget,
    signal: AbortSignal,
  ): Promise<Response> {
    const { logged } = facts;
    const { verb, query } = logged;
    if (verb === undefined) throw methodNotAllowed();
    permit(target, verb);
    const format = formatOf(request, query);
    const { resource, version, namespace = "", name, subresource } = target;
    if (subresource !== undefined && !(resource.status && subresource === "status")) {
      throw unknownResource();
    }
    switch (verb) {
      case "list":
        return list(target, format, query);
      case "watch":
        return watch(facts, target, format, signal);
      case "get":
        return one(target, found(target), format, query);
      case "create": {
        if (name !== undefined || (resource.namespaced && namespace === "")) throw methodNotAllowed();
        const object = fromVersion(resource, version, await readObjectBody(request));
        checkFields(resource, object, query);
        return one(
          target,
          writer.create(resource, namespace, object, writeOptions(request, query)),
          format,
          query,
          201,
        );
      }
      case "update": {
        if (name === undefined) throw methodNotAllowed();
        const object = fromVersion(resource, version, await readObjectBody(request));
        checkFields(resource, object, query);
        const existed = store.get(resource.plural, namespace, name) !== undefined;
        const update = subresource === "status" ? writer.updateStatus : writer.update;
        const stored = update(resource, namespace, name, object, writeOptions(request, query));
        return one(target, stored, format, query, existed ? 200 : 201);
      }
      case "patch":
        if (name === undefined) throw methodNotAllowed();
        return patch(request, target, format, query);
      default:
        if (name === undefined && resource.namespaced && namespace === "") throw methodNotAllowed();
        return remove(request, target, format, query);
    }
  }

  function documentAnswer(request: Request, { logged, host }: ApiRequest): Response {
    const { path, query } = logged;
    if (["/healthz", "/livez", "/readyz"].includes(path)) return plain("ok", 200);
    if (path === "/openapi/v2" && /proto/.test(request.headers.get("accept") ?? "")) {
      return new Response(openApiV2Protobuf(), {
        headers: { "content-type": OPENAPI_V2_PROTOBUF },
      });
    }
    const document = apiDocument(path, host, settings.sliceVersions);
    if (!document) {
      // Below a version that is served, what is missing is a resource; elsewhere it is a page.
      if (knownVersion(path, settings.sliceVersions)) throw unknownResource();
      return plain("404 page not found\n", 404);
    }
    if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed();
    const format = formatOf(request, query);
    return write(JSON.stringify(document), { ...format, as: format.as === "yaml" ? "yaml" : "json" }, 200);
  }

  async function otherAnswer(request: Request, facts: ApiRequest): Promise<Response> {
    const { path, query } = facts.logged;
    if (request.method !== "POST" || !isReview(path)) return documentAnswer(request, facts);
    const review = reviewAnswer(path, await readBody(request), settings);
    return write(JSON.stringify(review), formatOf(request, query), 201);
  }

  return async (request, facts, signal) => {
    const { target, logged } = facts;
    try {
      authenticate(request);
      const pod = (namespace: string, name: string) => store.get("pods", namespace, name);
      const proxied = await podProxyAnswer(request, logged.path, { settings, pod, signal });
      if (proxied !== undefined) return proxied;
      const answer = await (target ? resourceAnswer(request, facts, target, signal) : otherAnswer(request, facts));
      return logged.verb === "watch" ? answer : await compressed(request, answer, settings.gzipBytes);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const retry = (error.status.details as Json | undefined)?.retryAfterSeconds;
      return new Response(JSON.stringify(error.status), {
        status: error.code,
        headers: { "content-type": "application/json", ...(retry !== undefined && { "retry-after": String(retry) }) },
      });
    }
  };
}
