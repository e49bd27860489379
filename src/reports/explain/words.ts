import type { BalancerConfig } from "../../balancing/options.ts";
import type { PortMatch } from "../../discovery/resolve/select.ts";
import type { MiddlewareEntry } from "../../middleware/catalog.ts";
import type { ExplainedMiddleware, ExplainedService } from "./answer.ts";

/** When a middleware answers by itself; undefined: it never does. One row for each name the config knows. */
const ANSWERS: Record<Exclude<keyof MiddlewareEntry, "options">, string | undefined> = {
  basic_auth: "401 without valid credentials",
  bearer_auth: "401 without a valid token",
  body_limit: "413 above its size",
  cache_control: undefined,
  compress: undefined,
  concurrency_limit: "429 above its limit",
  consumer_restriction: "403 to other consumers",
  cors: "204 to a preflight request (OPTIONS)",
  csrf: "403 to a form from another origin",
  etag: "304 to a client that has it already",
  https_redirect: "a redirect to https",
  ip_restriction: "403 to other addresses",
  jwk: "401 without a valid token",
  jwt: "401 without a valid token",
  jwt_auth: "401 without a valid token",
  key_auth: "401 without a valid key",
  rate_limit: "429 above its limit",
  replace_headers: undefined,
  request_id: undefined,
  secure_headers: undefined,
  set_headers: undefined,
  set_method: undefined,
  throttle: "429 above its rate",
  timeout: "504 after its time",
  use: "whatever the module decides",
};

/** A route's middleware by name, never with their options: those may hold secrets. */
export function explainMiddleware(entries: readonly MiddlewareEntry[]): ExplainedMiddleware[] {
  return entries.map((entry) => {
    const key = Object.keys(entry).find((one) => one !== "options") as keyof typeof ANSWERS;
    // Some may be set to refuse with another status.
    const { status } = Object(entry[key]) as { status?: unknown };
    const answers = typeof status === "number" ? ANSWERS[key]?.replace(/^4../, String(status)) : ANSWERS[key];
    return { name: entry.use ?? key, ...(answers === undefined ? {} : { answers }) };
  });
}

/** A policy's name, and what of a request it looks at. */
export function explainBalancer(balancer: BalancerConfig): Pick<ExplainedService["balancing"], "policy" | "key"> {
  if (typeof balancer === "string") return { policy: balancer };
  if ("sticky_cookie" in balancer) return { policy: "sticky_cookie", key: `cookie ${balancer.sticky_cookie.name}` };
  const { consistent_hash: key } = balancer;
  if ("client_ip" in key) return { policy: "consistent_hash", key: "client address" };
  const [of, name] = Object.entries(key)[0]!;
  return { policy: "consistent_hash", key: `${of} ${name}` };
}

/** How a port was found, in words that go on after the port's name. */
export const PORT_WORDS: Record<PortMatch, string> = {
  name: "the name of an endpoint port",
  unnamed_number: "the number of an endpoint port that has no name",
  service_number: "the Service's own port number",
  named_number: "the number of a named endpoint port",
  scheme: "the port named like the route's scheme",
  first: "the first port",
};
