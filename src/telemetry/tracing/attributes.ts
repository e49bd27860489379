import type { IncomingRequest } from "../../http/request.ts";
import type { Attributes } from "./span.ts";
import type { Attempt } from "./types.ts";

/** Methods that names are made of; others would make a name for each that a client invents. */
const METHODS = new Set(["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]);

/** A method as spans are named by it. */
export const methodName = (method: string): string => (METHODS.has(method) ? method : "HTTP");

function methodAttributes(method: string): Attributes {
  if (METHODS.has(method)) return { "http.request.method": method };
  return {
    "http.request.method": "_OTHER",
    "http.request.method_original": method,
  };
}

/** Parameters whose values are credentials, by their names. */
const SECRET_PARAMETER = /auth|cookie|token|key|secret|passw|credential|sig|session|jwt|code/i;

/** A query with the values of such parameters replaced. */
export const redactQuery = (query: string): string =>
  query
    .split("&")
    .map((pair) => {
      const equals = pair.indexOf("=");
      const name = pair.slice(0, equals);
      return equals > 0 && SECRET_PARAMETER.test(name) ? `${name}=REDACTED` : pair;
    })
    .join("&");

function redactUrl(url: string): string {
  const start = url.indexOf("?");
  return start === -1 ? url : url.slice(0, start + 1) + redactQuery(url.slice(start + 1));
}

const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, "$1");

/** What is known of a request when it is taken up. */
export function serverAttributes(facts: IncomingRequest): Attributes {
  const port = /:(\d+)$/.exec(facts.authority)?.[1];
  const agent = facts.headers.get("user-agent");
  return {
    ...methodAttributes(facts.method),
    "url.scheme": facts.scheme,
    "url.path": facts.path,
    ...(facts.search.length > 1 && { "url.query": redactQuery(facts.search.slice(1)) }),
    ...(facts.host !== "" && { "server.address": withoutBrackets(facts.host) }),
    ...(port !== undefined && { "server.port": Number(port) }),
    ...(facts.client !== "" && { "client.address": facts.client }),
    ...(facts.peer !== "" && { "network.peer.address": facts.peer }),
    ...(agent !== null && { "user_agent.original": agent }),
  };
}

/** What is known of an attempt when it leaves. */
export function clientAttributes({ method, url, endpoint, number }: Attempt): Attributes {
  const [namespace, pod] = endpoint.pod?.split("/") ?? [];
  return {
    ...methodAttributes(method),
    "url.full": redactUrl(url),
    "server.address": endpoint.host,
    "server.port": endpoint.port,
    "network.peer.address": endpoint.host,
    "network.peer.port": endpoint.port,
    ...(number > 1 && { "http.request.resend_count": number - 1 }),
    ...(pod !== undefined && namespace !== undefined && { "k8s.pod.name": pod, "k8s.namespace.name": namespace }),
  };
}
