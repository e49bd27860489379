import { decodeContinue } from "./list.ts";
import { parseTarget, type Target } from "./resources.ts";
import type { ApiserverSettings, LoggedRequest, Verb } from "./types.ts";
import { isWatch } from "./watch.ts";

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
export function requestFacts(request: Request, time: number, settings: ApiserverSettings): RequestFacts {
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
