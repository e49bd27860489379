import { isAddress, stripBrackets } from "../../base/addresses.ts";
import type { YamlMapping, YamlValue } from "../document.ts";
import { usesEnvironment } from "../escaping.ts";
import type { Input } from "../input.ts";
import { isBlock } from "./text.ts";
import { keepaliveOf } from "./upstream.ts";

/** What config.yaml says of the gateway itself. */
export interface ServerPart {
  readonly listen: YamlValue;
  /** Addresses whose X-Forwarded-For is believed. */
  readonly trusted: readonly string[];
  readonly bodyBytes: number | undefined;
  /** undefined: config.yaml does not say. */
  readonly underscores: "pass" | "drop" | undefined;
  readonly upstreamHeaders: boolean | undefined;
  /** Texts of nginx's configuration that may refuse requests. */
  readonly guards: readonly string[];
  /** Of connections to upstreams. */
  readonly keepalive: YamlMapping | undefined;
  /** The port for redirects to https. */
  readonly httpsPort: number;
  /** The router compares hosts before paths. */
  readonly byHost: boolean;
  /** `:name` in a path stands for a segment. */
  readonly parameters: boolean;
}

const DEFAULT_PORT = 9080;
const DEFAULT_TLS_PORT = 9443;

const authority = (host: string, port: number | string): string =>
  isAddress(host) && host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** The port of an admin API that is not set up. */
const ADMIN_PORT = 9090;

const isPort = (port: number | undefined): port is number =>
  port !== undefined && Number.isInteger(port) && port >= 1 && port <= 65_535;

const mayBePort = (port: number | string | undefined): port is number | string =>
  typeof port === "string" || isPort(port);

/** An address of `node_listen`: a port, or a mapping of ip and port. */
function addressOf(item: Input): string | undefined {
  if (!item.isMapping) {
    const port = item.numberOrVariable();
    if (port !== undefined && !mayBePort(port)) item.decline("it must be a port from 1 to 65535");
    return mayBePort(port) ? `0.0.0.0:${port}` : undefined;
  }
  const port = item.at("port").numberOrVariable();
  const host = item.at("ip").text() ?? "0.0.0.0";
  if (item.at("enable_http2").boolean() === true) item.at("enable_http2").decline("HTTP/2 needs server.tls here");
  const bare = stripBrackets(host);
  if (mayBePort(port) && (isAddress(bare) || usesEnvironment(bare))) return authority(bare, port);
  item.decline("it must be an address with a port from 1 to 65535");
  return undefined;
}

function listenOf(apisix: Input): string | undefined {
  const listen = apisix.at("node_listen");
  const [first, ...more] = listen.isList ? listen.items() : listen.exists ? [listen] : [];
  for (const one of more) one.decline("a gateway listens at one address: run another one, or map a port to it");
  return first === undefined ? undefined : addressOf(first);
}

/** The first port of `ssl.listen`; undefined where https is off. */
function tlsPort(ssl: Input): number | undefined {
  if (ssl.at("enable").boolean() === false) return undefined;
  const listen = ssl.at("listen");
  const [first, ...more] = listen.isList ? listen.items() : listen.exists ? [listen] : [];
  for (const one of more) one.decline("a gateway listens at one address");
  if (first === undefined) return DEFAULT_TLS_PORT;
  const port = first.isMapping ? first.at("port").number() : first.number();
  first.note("https is served where server.tls names certificates; redirects to https go to this port");
  if (port !== undefined && !isPort(port)) first.decline("it must be a port from 1 to 65535");
  return isPort(port) ? port : DEFAULT_TLS_PORT;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

function bytesOf(input: Input): number | undefined {
  const text = input.text();
  if (text === undefined) return undefined;
  const [, digits, unit] = /^([0-9]{1,9})([kmg]?)$/i.exec(text) ?? [];
  if (digits === undefined) input.decline("it must be a size such as 10m");
  return digits === undefined ? undefined : Number(digits) * UNITS[unit!.toLowerCase()]!;
}

function trustedOf(http: Input, apisix: Input): string[] {
  const from = http.at("real_ip_from");
  const blocks = [...(from.texts() ?? []), ...(apisix.at("trusted_addresses").texts() ?? [])];
  const header = http.at("real_ip_header");
  const name = header.text();
  const read = name?.toLowerCase() ?? "x-real-ip";
  if (read !== "x-forwarded-for" && read !== "x-real-ip") {
    header.decline("the client's address is read from X-Forwarded-For, Forwarded or X-Real-IP", "access");
  } else if ((from.exists || header.exists) && read === "x-real-ip") {
    (header.exists ? header : from).note(
      "the client's address is read from X-Forwarded-For or Forwarded where a proxy sends one, else from X-Real-IP",
    );
  }
  const recursive = http.at("real_ip_recursive");
  if (recursive.text() !== "on" && (from.exists || recursive.exists)) {
    (recursive.exists ? recursive : from).note("the chain of trusted proxies is always followed to its end");
  }
  if (blocks.includes("unix:")) from.note("unix: is no address here");
  if (blocks.some((block) => block !== "unix:" && !isBlock(block))) {
    for (const input of [from, apisix.at("trusted_addresses")])
      input.decline("it must be a list of addresses or CIDR blocks");
    return [];
  }
  return blocks.filter((block) => block !== "unix:");
}

function routerOf(apisix: Input): { byHost: boolean; parameters: boolean } {
  const router = apisix.at("router").at("http");
  const name = router.text() ?? "radixtree_host_uri";
  const known = ["radixtree_host_uri", "radixtree_uri", "radixtree_uri_with_parameter"];
  if (!known.includes(name)) router.decline(`it must be one of ${known.join(", ")}`);
  const ssl = apisix.at("router").at("ssl");
  if (ssl.exists && ssl.text() !== "radixtree_sni")
    ssl.decline("certificates are chosen by the name a client asks for");
  return {
    byHost: name !== "radixtree_uri" && name !== "radixtree_uri_with_parameter",
    parameters: name === "radixtree_uri_with_parameter",
  };
}

/** Where APISIX keeps its routes; what is not a file is declined. */
function deploymentOf(root: Input): void {
  const deployment = root.at("deployment");
  const role = deployment.at("role").text() ?? "traditional";
  if (role !== "traditional" && role !== "data_plane")
    deployment.at("role").decline("there is no control plane: every gateway reads its own file");
  const plane = deployment.at("role_data_plane").at("config_provider");
  const traditional = deployment.at("role_traditional").at("config_provider");
  for (const provider of [plane, traditional]) {
    const name = provider.text();
    if (name !== undefined && name !== "yaml" && name !== "json") {
      provider.decline(
        "routes are in a file here: write those of etcd into a standalone apisix.yaml, and import that too",
      );
    }
  }
}

/** Switches that do not matter to requests. */
const TRIVIAL = ["enable_admin", "enable_ipv6"];

/** Directives of nginx that can refuse or answer a request. */
const REFUSING =
  /\b(?:allow|deny|auth_\w+|return|if|rewrite|limit_\w+|satisfy|internal|error_page|include|ssl_verify_client|\w+_by_lua\w*)\b/;

/** Texts of nginx's configuration that requests pass through: those that may refuse some. */
function guardsOf(nginx: Input): string[] {
  const keys = ["http_configuration", "http_server_configuration", "http_server_location_configuration"];
  return keys.flatMap((key) => {
    const snippet = nginx.at(`${key}_snippet`);
    const lines =
      typeof snippet.raw === "string" ? snippet.raw.split("\n").filter((line) => !/^\s*(?:#|$)/.test(line)) : [];
    if (lines.length === 0) {
      snippet.take();
      return [];
    }
    const refuses = lines.some((line) => REFUSING.test(line));
    const outcome = refuses ? ", which may refuse requests: all routes are shut" : "";
    snippet.decline(`it is a text of nginx's configuration${outcome}`, refuses ? "access" : "difference");
    return refuses ? [`${key}_snippet`] : [];
  });
}

function switchesOf(root: Input): void {
  const apisix = root.at("apisix");
  for (const [key, why] of [
    ["enable_admin", "routes are in a file here, and the admin API only shows them"],
    ["delete_uri_tail_slash", "a slash at a path's end counts"],
    ["normalize_uri_like_servlet", "paths are compared as RFC 3986 has them"],
    ["enable_ipv6", "server.listen names the addresses: [::]:PORT takes both kinds"],
  ] as const) {
    if (apisix.at(key).boolean() === true) apisix.at(key).decline(why, TRIVIAL.includes(key) ? "trifle" : "difference");
  }
  const enabled = root.at("plugins");
  if (enabled.isList) {
    enabled.take();
    enabled.note("a plugin is there where a route names it: the list is not needed", "trifle");
  }
}

/** Reads what config.yaml says of the gateway itself, those of several files together. */
export function serverOf(roots: readonly Input[]): ServerPart {
  let listen: string | undefined;
  let port: number | undefined;
  let bodyBytes: number | undefined;
  let keepalive: YamlMapping | undefined;
  let router = { byHost: true, parameters: false };
  const trusted: string[] = [];
  const guards: string[] = [];
  let underscores: "pass" | "drop" | undefined;
  let upstreamHeaders: boolean | undefined;
  let https: number | undefined = DEFAULT_TLS_PORT;
  for (const root of roots) {
    const apisix = root.at("apisix");
    const http = root.at("nginx_config").at("http");
    listen ??= listenOf(apisix);
    if (apisix.at("ssl").exists) https = tlsPort(apisix.at("ssl"));
    if (apisix.at("router").exists) router = routerOf(apisix);
    trusted.push(...trustedOf(http, apisix));
    guards.push(...guardsOf(root.at("nginx_config")));
    const passes = http.at("underscores_in_headers").text();
    if (passes !== undefined) underscores = passes === "on" ? "pass" : "drop";
    upstreamHeaders ??= apisix.at("show_upstream_status_in_response_header").boolean();
    const pool = http.at("upstream");
    keepalive ??= keepaliveOf(pool.at("keepalive_requests"), pool.at("keepalive_timeout"), pool.at("keepalive"));
    bodyBytes ??= bytesOf(http.at("client_max_body_size"));
    const wanted = root.at("plugin_attr").at("redirect").at("https_port");
    const number = wanted.number();
    if (number !== undefined && !isPort(number)) wanted.decline("it must be a port from 1 to 65535");
    port ??= isPort(number) ? number : undefined;
    deploymentOf(root);
    switchesOf(root);
  }
  return {
    listen: listen ?? `0.0.0.0:${DEFAULT_PORT}`,
    trusted,
    bodyBytes,
    keepalive,
    underscores,
    upstreamHeaders,
    guards,
    httpsPort: port ?? https ?? 443,
    ...router,
  };
}

/** `server:` of ours. */
export const serverBlock = (
  { listen, trusted, bodyBytes, underscores, upstreamHeaders }: ServerPart,
  more: readonly string[],
): YamlMapping => {
  const proxies = [...new Set([...trusted, ...more])];
  return {
    listen,
    trusted_proxies: proxies.length === 0 ? undefined : proxies,
    limits: bodyBytes === undefined || bodyBytes === 0 ? undefined : { body_bytes: bodyBytes },
    paths: "nginx",
    underscore_headers: underscores ?? "drop",
    upstream_headers: upstreamHeaders || undefined,
  };
};

/** `admin:` of ours, where its own port is taken. */
export const adminBlock = ({ listen }: ServerPart): YamlMapping | undefined =>
  String(listen).endsWith(`:${ADMIN_PORT}`) ? { listen: `127.0.0.1:${ADMIN_PORT + 1}` } : undefined;
