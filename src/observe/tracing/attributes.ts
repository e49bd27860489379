import type { Attributes } from "@opentelemetry/api";
import {
  ATTR_CLIENT_ADDRESS,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_HTTP_REQUEST_RESEND_COUNT,
  ATTR_K8S_NAMESPACE_NAME,
  ATTR_K8S_POD_NAME,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_PEER_PORT,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
  ATTR_URL_PATH,
  ATTR_URL_QUERY,
  ATTR_URL_SCHEME,
  ATTR_USER_AGENT_ORIGINAL,
  HTTP_REQUEST_METHOD_VALUE_OTHER,
} from "@opentelemetry/semantic-conventions";
import type { PathRule } from "../../config/schema.ts";
import type { RequestFacts } from "../../request.ts";
import type { Attempt } from "./types.ts";

/** Methods that a name may be made of; whatever else a client sends would make a name for each (semantic conventions). */
const METHODS = new Set(["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]);

/** A method as spans are named by it. */
export const methodName = (method: string): string => (METHODS.has(method) ? method : "HTTP");

function methodAttributes(method: string): Attributes {
  if (METHODS.has(method)) return { [ATTR_HTTP_REQUEST_METHOD]: method };
  return {
    [ATTR_HTTP_REQUEST_METHOD]: HTTP_REQUEST_METHOD_VALUE_OTHER,
    [ATTR_HTTP_REQUEST_METHOD_ORIGINAL]: method,
  };
}

/** Parameters whose values are credentials, by their names. */
const SECRET_PARAMETER = /auth|cookie|token|key|secret|passw|credential|sig|session|jwt|code/i;

/** A query with the values of such parameters replaced. */
export const redactQuery = (query: string): string =>
  query.replace(/([^&=]+)=([^&]*)/g, (whole, name: string) =>
    SECRET_PARAMETER.test(name) ? `${name}=REDACTED` : whole,
  );

function redactUrl(url: string): string {
  const start = url.indexOf("?");
  return start === -1 ? url : url.slice(0, start + 1) + redactQuery(url.slice(start + 1));
}

/** A route's path as a template: what stands after a prefix is left open. */
export function routeTemplate(path: PathRule): string {
  if ("exact" in path) return path.exact;
  if ("regex" in path) return path.regex;
  if ("template" in path) return path.template;
  if ("starts_with" in path) return `${path.starts_with}*`;
  return path.prefix.endsWith("/") ? `${path.prefix}*` : `${path.prefix}/*`;
}

const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, "$1");

/** What is known of a request when it is taken up. */
export function serverAttributes(facts: RequestFacts): Attributes {
  const port = /:(\d+)$/.exec(facts.authority)?.[1];
  const agent = facts.headers.get("user-agent");
  return {
    ...methodAttributes(facts.method),
    [ATTR_URL_SCHEME]: facts.scheme,
    [ATTR_URL_PATH]: facts.path,
    ...(facts.search.length > 1 && { [ATTR_URL_QUERY]: redactQuery(facts.search.slice(1)) }),
    ...(facts.host !== "" && { [ATTR_SERVER_ADDRESS]: withoutBrackets(facts.host) }),
    ...(port !== undefined && { [ATTR_SERVER_PORT]: Number(port) }),
    ...(facts.client !== "" && { [ATTR_CLIENT_ADDRESS]: facts.client }),
    ...(facts.peer !== "" && { [ATTR_NETWORK_PEER_ADDRESS]: facts.peer }),
    ...(agent !== null && { [ATTR_USER_AGENT_ORIGINAL]: agent }),
  };
}

/** What is known of an attempt when it leaves. */
export function clientAttributes({ method, url, endpoint, number }: Attempt): Attributes {
  const [namespace, pod] = endpoint.pod?.split("/") ?? [];
  return {
    ...methodAttributes(method),
    [ATTR_URL_FULL]: redactUrl(url),
    [ATTR_SERVER_ADDRESS]: endpoint.host,
    [ATTR_SERVER_PORT]: endpoint.port,
    [ATTR_NETWORK_PEER_ADDRESS]: endpoint.host,
    [ATTR_NETWORK_PEER_PORT]: endpoint.port,
    ...(number > 1 && { [ATTR_HTTP_REQUEST_RESEND_COUNT]: number - 1 }),
    ...(pod !== undefined && { [ATTR_K8S_POD_NAME]: pod, [ATTR_K8S_NAMESPACE_NAME]: namespace }),
  };
}
