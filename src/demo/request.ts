import { decodeContinue } from "./list.ts";
import { parseTarget, type ResourceTarget } from "./resources.ts";
import type { ApiserverSettings, ApiVerb, LoggedRequest } from "./types.ts";
import { isWatch } from "./watch.ts";

/** A request, taken apart once. */
export interface ApiRequest {
  readonly logged: LoggedRequest;
  readonly target: ResourceTarget | undefined;
  readonly host: string;
}

function verbOf(method: string, target: ResourceTarget, query: URLSearchParams): ApiVerb | undefined {
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
export function parseApiRequest(request: Request, time: number, settings: ApiserverSettings): ApiRequest {
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
    page: verb === "list" ? (token ? (decodeContinue(token)?.page ?? 1) : 1) : 0,
    headers: request.headers,
  };
  return { logged, target, host: url.host };
}
