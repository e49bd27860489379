import { isObject } from "./objects.ts";
import { badRequest, failure, forbidden, notFound, StatusError } from "./status.ts";
import type { ApiserverSettings, ApiVerb, StoredObject } from "./types.ts";

/**
 * `…/pods/[scheme:]name[:port]/proxy[/path]`:
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
 */
const PATH = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/proxy(\/.*)?$/;

const VERBS: Readonly<Record<string, ApiVerb>> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };

/** What a request to a pod through the apiserver needs. */
interface PodProxyOptions {
  readonly settings: ApiserverSettings;
  pod(namespace: string, name: string): StoredObject | undefined;
  readonly signal: AbortSignal;
}

/** Sends a request on to a pod; undefined: its path asks for something else. Throws `StatusError`. */
export async function podProxyAnswer(
  request: Request,
  path: string,
  { settings, pod, signal }: PodProxyOptions,
): Promise<Response | undefined> {
  const [, namespace, target = "", rest = "/"] = PATH.exec(path) ?? [];
  if (namespace === undefined) return undefined;
  const parts = decodeURIComponent(target).split(":");
  const [scheme, name = "", port = "80"] = parts.length > 2 ? parts : ["http", ...parts];
  const verb = VERBS[request.method] ?? "get";
  if (!(settings.authorize?.(verb, "pods/proxy", namespace) ?? true)) {
    throw forbidden(settings.user, verb, "pods/proxy", "", namespace, name);
  }
  const found = pod(namespace, name);
  if (found === undefined) throw notFound("pods", "", name);
  const ip = isObject(found.status) ? found.status.podIP : undefined;
  if (typeof ip !== "string") throw badRequest("address not allowed");
  const headers = new Headers(request.headers);
  for (const one of ["authorization", "connection", "host"]) headers.delete(one);
  headers.set("x-forwarded-uri", path);
  try {
    return await fetch(`${scheme || "http"}://${ip}:${port}${rest}${new URL(request.url).search}`, {
      method: request.method,
      headers,
      redirect: "manual",
      signal,
      ...(request.body !== null && { body: request.body, duplex: "half" }),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new StatusError(failure(503, "ServiceUnavailable", `error trying to reach service: ${String(error)}`));
  }
}
