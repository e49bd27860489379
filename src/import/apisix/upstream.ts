import type { YamlMapping, YamlValue } from "../document.ts";
import type { Input } from "../input.ts";
import { balancerOf } from "./balancer.ts";
import { commentsOf } from "./comments.ts";
import { healthOf } from "./health.ts";
import { secondsOf, toMilliseconds } from "./seconds.ts";
import { apisixText } from "./text.ts";

/** Where a route's requests go, and how: keys of a route. */
export interface ApisixTarget {
  /** One of service, nodes. */
  readonly where: YamlMapping;
  readonly settings: YamlMapping;
  readonly comments: readonly string[];
}

/** A text is an environment variable. */
export interface UpstreamNode {
  readonly host: string;
  readonly port: number | string;
  readonly weight: number | string;
  readonly priority?: number | string | undefined;
}

/** APISIX's own time-outs: the same for connecting, sending and reading. */
export const TIMEOUT_MS = 60_000;

/** How often APISIX tries where an upstream does not say: each of its nodes once, after errors and time-outs. */
export const RETRIES: YamlMapping = { attempts: "all", on: ["connect", "reset", "timeout"] };

/** Where a scheme's nodes listen that name no port. */
const portOf = (scheme: string): number => (scheme === "https" ? 443 : 80);

const HOST = /^((?:\$\{[^}]*\}|\[[^\]]+\]|[^:$[\]])+)(?::([0-9]{1,5}|\$\{[^}]*\}))?$/;

/** `host:port` of a map's key; without a port the scheme's own. */
function addressOf(text: string, scheme: string): { host: string; port: number | string } | undefined {
  const [, host, port] = HOST.exec(text) ?? [];
  if (host === undefined) return undefined;
  return { host, port: port === undefined ? portOf(scheme) : /^[0-9]/.test(port) ? Number(port) : port };
}

function nodeOf(item: Input, scheme: string): UpstreamNode | undefined {
  const host = item.at("host").text();
  const [port, weight, priority] = ["port", "weight", "priority"].map((key) => item.at(key).numberOrVariable());
  if (host === undefined) {
    item.decline("a node has a host");
    return undefined;
  }
  return { host, port: port ?? portOf(scheme), weight: weight ?? 1, priority: priority || undefined };
}

/** `nodes` in either of its shapes. */
export function nodesOf(nodes: Input, scheme: string): UpstreamNode[] {
  if (nodes.isList) return nodes.items().flatMap((item) => nodeOf(item, scheme) ?? []);
  return nodes.keys().flatMap((key): UpstreamNode[] => {
    const weight = nodes.at(key).numberOrVariable();
    const address = addressOf(apisixText(key), scheme);
    if (address === undefined) nodes.at(key).decline("its key must be a host with a port");
    return address === undefined || weight === undefined ? [] : [{ ...address, weight }];
  });
}

/** `timeout:` of an upstream or a route, in milliseconds. */
export function timeoutsOf(timeout: Input): YamlMapping | undefined {
  const [connect, send, read] = ["connect", "send", "read"].map((key) => timeout.at(key).number());
  if (connect === undefined && read === undefined && send === undefined) return undefined;
  if (send !== undefined && send !== read) {
    timeout.at("send").note("how long a body may be silent is one number here, in either direction: the longer one");
  }
  const idle = Math.max(send ?? 0, read ?? 0);
  return {
    connect: connect === undefined ? undefined : toMilliseconds(connect),
    try: read === undefined ? undefined : toMilliseconds(read),
    idle: idle === 0 ? undefined : toMilliseconds(idle),
  };
}

/** With `retry_timeout`, after which nothing is tried again: the last try may take its time still. */
function withDeadline(timeouts: YamlMapping | undefined, limit: Input): YamlMapping | undefined {
  const seconds = limit.number();
  if (seconds === undefined || seconds <= 0) return timeouts;
  limit.note("all tries together end this long after the first, and the time of one try later");
  const one = (timeouts?.try ?? TIMEOUT_MS) as number;
  return { ...timeouts, response: toMilliseconds(seconds) + one };
}

/** More attempts than this cannot be counted. */
const MAX_ATTEMPTS = 10;

/** `retries:`, as tries in all; undefined: all nodes are tried, as where an upstream does not say (see RETRIES). */
export function attemptsOf(upstream: Input, max = MAX_ATTEMPTS): number | undefined {
  const retries = upstream.at("retries");
  const more = retries.number();
  if (more === undefined || more < 0) return undefined;
  if (more >= max) retries.note("every node is tried, however many there are");
  return more >= max ? undefined : Math.floor(more) + 1;
}

/** `keepalive_pool:` of an upstream, or what config.yaml says of all of them. */
export function keepaliveOf(requests: Input, idle: Input, size: Input): YamlMapping | undefined {
  size.take();
  size.note("how many idle connections are kept is not limited here", "trifle");
  const [count, seconds] = [requests.number(), secondsOf(idle)];
  if (count === undefined && seconds === undefined) return undefined;
  return { requests: count, idle: seconds === undefined ? undefined : Math.max(1, toMilliseconds(seconds)) };
}

function hostOf(upstream: Input): YamlMapping {
  const pass = upstream.at("pass_host");
  const host = upstream.at("upstream_host");
  const policy = pass.text() ?? "pass";
  if (policy === "rewrite") {
    const name = host.text();
    if (name !== undefined) return { pass_host: "rewrite", upstream_host: name };
    pass.decline("it is rewrite, and there is no upstream_host");
  } else if (policy !== "pass" && policy !== "node") {
    pass.decline("it must be one of pass, node, rewrite");
  }
  if (host.exists) host.decline("it has no effect without pass_host: rewrite");
  return policy === "node" ? { pass_host: "node" } : {};
}

/** The nodes of an upstream, or the service it is found by; text: why there are neither. */
function whereOf(upstream: Input, scheme: string): YamlMapping | string {
  const name = upstream.at("service_name");
  const list = upstream.at("nodes");
  if (name.exists) {
    const type = upstream.at("discovery_type");
    if (type.text() !== "kubernetes") {
      return `the nodes of its upstream are found by ${shownType(type)}, and the gateway finds them by kubernetes only`;
    }
    if (list.exists) list.decline("service_name is there too, and it counts");
    const service = name.text();
    return service === undefined ? "the service_name of its upstream is no text" : { service };
  }
  const nodes = list.exists ? nodesOf(list, scheme) : [];
  if (nodes.length > 0) return { nodes: nodes as unknown as YamlValue };
  return list.exists && list.items().length > 0
    ? "none of the nodes of its upstream can be carried over"
    : "its upstream has no nodes";
}

/** A word of the file that may be shown: it is one of a few known ones, or it is described. */
const shownWord = (word: string): string => (/^[a-z][a-z0-9_-]{0,19}$/.test(word) ? word : "another one");

const shownType = (type: Input): string =>
  typeof type.raw === "string" ? `the discovery ${shownWord(type.raw)}` : "a discovery that is not named";

/** Reads an upstream; text: why nothing can be sent there, and it is declined. */
export function apisixTarget(upstream: Input): ApisixTarget | string {
  const target = readTarget(upstream);
  if (typeof target === "string") upstream.decline(target);
  return target;
}

function readTarget(upstream: Input): ApisixTarget | string {
  const scheme = upstream.at("scheme");
  const protocol = scheme.text() ?? "http";
  if (protocol !== "http" && protocol !== "https") {
    return `the scheme of its upstream is ${shownWord(protocol)}, and the gateway speaks HTTP/1.1 with upstreams: http or https`;
  }
  const where = whereOf(upstream, protocol);
  if (typeof where === "string") return where;
  upstream.at("id").text();
  const pool = upstream.at("keepalive_pool");
  const attempts = attemptsOf(upstream);
  if (protocol === "https") {
    scheme.note(
      "the upstream's certificate is not checked, as in APISIX: set upstream_tls.verify to true where it can be",
    );
  }
  if (upstream.at("tls").exists) {
    upstream.at("tls").decline("a client certificate stands in files here: upstream_tls.cert_file and key_file");
  }
  return {
    where,
    settings: {
      scheme: protocol === "https" ? "https" : undefined,
      upstream_tls: protocol === "https" ? { verify: false } : undefined,
      ...hostOf(upstream),
      balancer: balancerOf(upstream),
      timeouts: withDeadline(timeoutsOf(upstream.at("timeout")), upstream.at("retry_timeout")),
      retries: attempts === undefined ? undefined : { attempts },
      keepalive: keepaliveOf(pool.at("requests"), pool.at("idle_timeout"), pool.at("size")),
      health: healthOf(upstream.at("checks")),
    },
    comments: commentsOf(upstream).map((words) => `upstream: ${words}`),
  };
}
