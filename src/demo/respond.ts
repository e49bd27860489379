import { parse as parseYaml, stringify as stringifyYaml } from "yaml";
import type { Clock } from "../clock.ts";
import { apiDocument, openApiV2Protobuf } from "./api-docs.ts";
import { type decodeContinue, listMeta, listPage, listText } from "./list.ts";
import { fromVersion, isObject, objectText, toVersion } from "./objects.ts";
import { jsonPatch, mergePatch, strategicMerge } from "./patch.ts";
import { tableText } from "./printing.ts";
import { readProtobuf } from "./protobuf.ts";
import { knownVersion, parseTarget, type Target } from "./resources.ts";
import {
  badRequest,
  forbidden,
  methodNotAllowed,
  notAcceptable,
  notFound,
  StatusError,
  unauthorized,
  unknownResource,
  unsupportedMedia,
} from "./status.ts";
import type { Store } from "./store.ts";
import type { ApiserverSettings, Json, LoggedRequest, StoredObject, Verb } from "./types.ts";
import { isWatch, type WatchFormat, type WatchHub } from "./watch.ts";
import type { WriteOptions, Writer } from "./writes.ts";

/** A request, taken apart once. */
export interface RequestFacts {
  readonly logged: LoggedRequest;
  readonly target: Target | undefined;
  readonly host: string;
}

function verbOf(method: string, target: Target, query: URLSearchParams): Verb | undefined {
  switch (method) {
    case "GET":
    case "HEAD":
      return isWatch(query) ? "watch" : target.name === undefined ? "list" : "get";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return target.name === undefined ? "deletecollection" : "delete";
    default:
      return undefined;
  }
}

/** Reads method, path and query. */
export function requestFacts(
  request: Request,
  time: number,
  settings: ApiserverSettings,
  readToken: typeof decodeContinue,
): RequestFacts {
  const url = new URL(request.url);
  const query = url.searchParams;
  const target = parseTarget(url.pathname, settings.sliceVersions);
  const verb = target && verbOf(request.method, target, query);
  const token = query.get("continue");
  const logged: LoggedRequest = {
    time,
    method: request.method,
    path: url.pathname,
    query,
    verb,
    resource: target?.resource.plural,
    namespace: target?.namespace,
    name: target?.name,
    page: verb === "list" ? (token ? (readToken(token)?.page ?? 1) : 1) : 0,
    headers: request.headers,
  };
  return { logged, target, host: url.host };
}

type Format = { readonly as: "json" | "yaml" | "table"; readonly pretty: boolean };

/** Terminals get indented JSON, as from the apiserver. */
const READ_BY_PEOPLE = /^(curl|Wget|Mozilla\/5\.0)/;

function formatOf(request: Request, query: URLSearchParams): Format {
  const asked = query.get("pretty");
  const pretty =
    asked === null ? READ_BY_PEOPLE.test(request.headers.get("user-agent") ?? "") : asked !== "0" && asked !== "false";
  const accept = request.headers.get("accept") ?? "*/*";
  for (const range of accept.split(",")) {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (type === "application/json" && parameters.includes("as=table")) return { as: "table", pretty };
    if (type === "application/json" && parameters.some((parameter) => parameter.startsWith("as="))) continue;
    if (type === "application/json" || type === "*/*" || type === "application/*") return { as: "json", pretty };
    if (type === "application/yaml") return { as: "yaml", pretty };
  }
  throw notAcceptable();
}

function write(text: string, format: Format, code: number): Response {
  if (format.as === "yaml") {
    return new Response(stringifyYaml(JSON.parse(text)), {
      status: code,
      headers: { "content-type": "application/yaml" },
    });
  }
  const body = format.pretty ? `${JSON.stringify(JSON.parse(text), null, 2)}\n` : text;
  return new Response(body, { status: code, headers: { "content-type": "application/json" } });
}

const plain = (text: string, code: number): Response =>
  new Response(text, { status: code, headers: { "content-type": "text/plain; charset=utf-8" } });

async function readBody(request: Request): Promise<unknown> {
  const type = (request.headers.get("content-type") ?? "application/json").split(";")[0]!.trim().toLowerCase();
  if (type === "application/vnd.kubernetes.protobuf") return readProtobuf(new Uint8Array(await request.arrayBuffer()));
  const text = await request.text();
  if (text.trim() === "") return undefined;
  try {
    if (type.endsWith("yaml")) return parseYaml(text);
    if (type.endsWith("json")) return JSON.parse(text);
  } catch (error) {
    throw badRequest(`couldn't get version/kind; ${type} parse error: ${(error as Error).message}`);
  }
  throw unsupportedMedia(["application/json", "application/yaml"]);
}

async function readObject(request: Request): Promise<Json> {
  const body = await readBody(request);
  if (!isObject(body)) throw badRequest("the body of the request must be an object with apiVersion, kind and metadata");
  return body;
}

/** Makes the function that answers requests. It never rejects for what a client did wrong. */
export function createResponder(options: {
  readonly store: Store;
  readonly settings: ApiserverSettings;
  readonly writer: Writer;
  readonly hub: WatchHub;
  readonly clock: Clock;
}): (request: Request, facts: RequestFacts, signal: AbortSignal) => Promise<Response> {
  const { store, settings, writer, hub, clock } = options;

  function authenticate(request: Request): void {
    const { requireToken } = settings;
    if (requireToken === undefined) return;
    const tokens = typeof requireToken === "string" ? [requireToken] : requireToken;
    const given = /^Bearer +(.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
    if (given === undefined || !tokens.includes(given)) throw unauthorized();
  }

  function permit({ resource, namespace, name, subresource }: Target, verb: Verb): void {
    if (settings.authorize?.(verb, resource.plural, namespace) ?? true) return;
    const plural = subresource ? `${resource.plural}/${subresource}` : resource.plural;
    throw forbidden(settings.user, verb, plural, resource.group, namespace, name);
  }

  const writeOptions = (request: Request, query: URLSearchParams): WriteOptions => ({
    manager: query.get("fieldManager") ?? request.headers.get("user-agent")?.split("/")[0] ?? "unknown",
    dryRun: query.get("dryRun") === "All",
  });

  const one = (
    { resource, version }: Target,
    object: StoredObject,
    format: Format,
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

  const found = ({ resource, namespace = "", name = "" }: Target): StoredObject => {
    const object = store.get(resource.plural, namespace, name);
    if (!object) throw notFound(resource.plural, resource.group, name);
    return object;
  };

  function list(target: Target, format: Format, query: URLSearchParams): Response {
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

  function watch(facts: RequestFacts, target: Target, format: Format, signal: AbortSignal): Response {
    const as: WatchFormat =
      format.as === "table"
        ? { as: "table", include: facts.logged.query.get("includeObject") ?? "Metadata" }
        : { as: "object" };
    const body = hub.watch({ logged: facts.logged, target, format: as, signal });
    return new Response(body, {
      headers: { "content-type": "application/json", "cache-control": "no-cache, private" },
    });
  }

  async function patch(request: Request, target: Target, format: Format, query: URLSearchParams): Promise<Response> {
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
    const stored =
      target.subresource === "status"
        ? writer.updateStatus(resource, namespace, name, next, options)
        : writer.update(resource, namespace, name, next, options);
    return one(target, stored, format, query);
  }

  async function remove(request: Request, target: Target, format: Format, query: URLSearchParams): Promise<Response> {
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
    facts: RequestFacts,
    target: Target,
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
        const object = fromVersion(resource, version, await readObject(request));
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
        const object = fromVersion(resource, version, await readObject(request));
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

  function documentAnswer(request: Request, { logged, host }: RequestFacts): Response {
    const { path, query } = logged;
    if (["/healthz", "/livez", "/readyz"].includes(path)) return plain("ok", 200);
    if (path === "/openapi/v2" && /proto/.test(request.headers.get("accept") ?? "")) {
      return new Response(openApiV2Protobuf(), {
        headers: { "content-type": "application/com.github.proto-openapi.spec.v2@v1.0+protobuf" },
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

  async function compressed(request: Request, answer: Response): Promise<Response> {
    const accepted = (request.headers.get("accept-encoding") ?? "")
      .split(",")
      .some((word) => /^gzip\s*(;|$)/.test(word.trim()));
    const body = new Uint8Array(await answer.arrayBuffer());
    const headers = new Headers(answer.headers);
    if (!accepted || body.length < settings.gzipBytes) {
      headers.set("content-length", String(body.length));
      return new Response(request.method === "HEAD" ? null : body, { status: answer.status, headers });
    }
    headers.set("content-encoding", "gzip");
    headers.set("vary", "Accept-Encoding");
    const packed = new Response(body).body!.pipeThrough(new CompressionStream("gzip"));
    return new Response(packed, { status: answer.status, headers });
  }

  return async (request, facts, signal) => {
    const { target, logged } = facts;
    try {
      authenticate(request);
      const answer = target ? await resourceAnswer(request, facts, target, signal) : documentAnswer(request, facts);
      return logged.verb === "watch" ? answer : await compressed(request, answer);
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
