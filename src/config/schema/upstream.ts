import * as v from "valibot";
import { isAddress, isHostName, stripBrackets } from "../../base/addresses.ts";
import { type KeyRules, key, lateDefault, lateDefaults, mapping, oneFile, optional } from "../../base/schema/key.ts";
import { keywords, list, object, off, oneOf, orOff, wantedBy, words } from "../../base/schema/shapes.ts";
import {
  boolean,
  durationMs,
  HOST_SHAPE,
  headerName,
  integer,
  nonEmpty,
  shown,
  shownText,
  shownUrl,
  token,
} from "../../base/schema/values.ts";
import { headerChangesSchema } from "./changes.ts";
import { targetPath } from "./path.ts";
import { NO_FILES, NO_TLS } from "./unsupported.ts";

const timeouts = object({
  connect: lateDefault(durationMs(), 2000, { help: "To a connection." }),
  try: lateDefault(durationMs(), 0, {
    help: "Of one attempt, to the answer's headers. What is tried again then, retries.on says: timeout.",
  }),
  response: lateDefault(durationMs(), 60_000, {
    help: "Of all attempts, to the answer's headers, from the last byte of the request's body.",
  }),
  idle: lateDefault(durationMs(), 0, { help: "How long a body may be silent." }),
});

const ATTEMPTS = "all (every address), or a whole number from 1 to 10";

const retries = object({
  attempts: lateDefault(oneOf([v.literal("all", "all"), integer(1, 10)], ATTEMPTS), 2, {
    help: "Tries in all, the first one included. With all, every address is tried.",
  }),
  on: lateDefault(
    v.array(
      words(["connect", "reset", "timeout", 500, 502, 503, 504]),
      "a list of connect, reset, timeout, 500, 502, 503, 504",
    ),
    ["connect", "reset"],
    {
      help: "connect: nothing was sent. reset: lost before the answer's first byte. timeout: timeouts.try has passed. 500, 502, 503, 504: a pod itself answered so. All but connect need a method that may be repeated (GET, HEAD, OPTIONS, PUT, DELETE) and a request without a body.",
    },
  ),
});

const keepalive = object({
  requests: lateDefault(integer(0), 1000, { help: "Requests it carries. 0 is without limit." }),
  age: lateDefault(durationMs(), 300_000, { help: "Time since it was made. 0 is without limit." }),
  idle: optional(durationMs(1), {
    help: "Time without a request; by default as long as the upstream's Keep-Alive tells, else 4000.",
  }),
});

/** `health.passive` as a mapping. `failures`: what they are, for the help. */
export const passiveHealth = (failures: string) =>
  object({
    failures: lateDefault(integer(1), 2, { help: `${failures} in a row until it is left out.` }),
    eject: lateDefault(durationMs(), 10_000, {
      help: "How long it is left out the first time. Doubles while it goes on failing, when one failure is enough, up to 30 times or 5 minutes.",
    }),
  });

/** When nodes are probed, and how many probes it takes. */
export const probes = {
  interval: lateDefault(durationMs(100), 5000, { help: "Between two probes of a node." }),
  timeout: lateDefault(durationMs(1), 2000, { help: "How long a probe may take; a longer one is bad." }),
  healthy: lateDefault(integer(1), 1, { help: "Good probes in a row until a node is used again." }),
  unhealthy: lateDefault(integer(1), 2, { help: "Bad probes in a row until a node is left out." }),
} as const;

const passive = passiveHealth("Failures");

const active = object({
  path: key(shownUrl(targetPath), { help: "What is asked for, its query included." }),
  ...probes,
  host: optional(shownText("a host name"), { help: "The probe's Host; by default the node's address." }),
  statuses: optional(list(integer(100, 599), "HTTP statuses"), {
    help: "Statuses that are good; by default 200 to 399.",
  }),
});

const health = object({
  passive: optional(orOff(passive), {
    help: "A node whose requests fail is left out for a while; on unless it is false.",
  }),
  active: optional(orOff(active), {
    help: "Nodes are asked by GET whether they are well; off by default.",
    workers: "is not available on Workers: nothing runs there between requests",
  }),
});

const HASH_KEY = "client_ip, or a mapping of exactly one of header, cookie, query, client_ip";

const hashKey = oneOf(
  [
    v.pipe(
      v.literal("client_ip", "client_ip"),
      v.transform(() => ({ client_ip: true as const })),
    ),
    object({ header: key(headerName, { help: "By this header." }) }),
    object({ cookie: key(token("a cookie's name"), { help: "By this cookie." }) }),
    object({ query: key(nonEmpty, { help: "By this query parameter." }) }),
    object({ client_ip: key(v.literal(true, "true"), { help: "By the client's address." }) }),
  ],
  HASH_KEY,
);

const balancer = oneOf(
  [
    words(["round_robin", "least_requests", "random"]),
    object({
      consistent_hash: key(hashKey, {
        help: "Requests with the same value of this go to the same node; one that has none goes by its client's address.",
      }),
    }),
    object({
      sticky_cookie: key(object({ name: key(token("a cookie's name"), { help: "The cookie's name." }) }), {
        help: "A cookie keeps a client on its node. The gateway sets it with Path=/; HttpOnly; SameSite=Lax, with Secure where the client came by https, and without an end: it lasts as long as the browser's session.",
      }),
    }),
  ],
  "one of round_robin, least_requests, random, or a mapping of exactly one of consistent_hash, sticky_cookie",
);

/** Both halves of an identity or none. */
export const CERTIFICATE: KeyRules["with"] = { cert_file: "key_file", key_file: "cert_file" };

const PEM = shownText("the path of a PEM file");

/** Trust and identity towards an upstream. `entry`: what becomes of a text. */
const upstreamTlsOf = <Entry extends v.GenericSchema>(
  entry: (value: v.GenericSchema<string, string>) => v.OptionalSchema<Entry, undefined>,
) =>
  mapping(
    object({
      verify: lateDefault(boolean, true, {
        help: "Whether the upstream's certificate is checked: its authority, its name and its times.",
        workers: (verify) => (verify === false ? NO_TLS : undefined),
        warning: (verify) => (verify === false ? "is false: the upstream's certificate is not checked" : undefined),
      }),
      ca_file: key(entry(PEM), {
        help: "The authorities that are trusted, in place of the system's.",
        files: oneFile,
        workers: NO_FILES,
      }),
      server_name: key(entry(shownText("the name in the upstream's certificate")), {
        help: "The name that is asked for (SNI) and that the certificate must have; by default the node's address.",
        workers: NO_TLS,
      }),
      cert_file: key(entry(PEM), {
        help: "The certificate that is shown to the upstream (mutual TLS); by default none.",
        files: oneFile,
        workers: NO_FILES,
      }),
      key_file: key(entry(PEM), { help: "The private key of cert_file.", files: oneFile, workers: NO_FILES }),
    }),
    { rules: { with: CERTIFICATE } },
  );

/** `upstream_tls` of a stream. */
export const upstreamTls = upstreamTlsOf((value) => v.optional(value));

/** `upstream_tls` of a route, where `false` is none, whatever `defaults` say. */
const routeUpstreamTls = upstreamTlsOf((value) => v.optional(oneOf([value, off], `${wantedBy(value)}, or false`)));

export const UPSTREAM_TLS_HELP =
  "Trust and identity where upstreams are spoken to with TLS: by a route with scheme: https, by a stream that has this key.";

const UPSTREAM_HOST = "the host for the upstream's Host header, such as app.example.org or app.example.org:8443";

/** The host that stands in the place of the client's. */
const upstreamHost = v.pipe(
  shown(v.string(UPSTREAM_HOST)),
  keywords({ pattern: `^(?:${HOST_SHAPE})(?::[0-9]{1,5})?$` }),
  v.check((value) => {
    const { name, port } = /^(?<name>\[.*\]|[^:]*)(?::(?<port>[0-9]{1,5}))?$/.exec(value)?.groups ?? {};
    if (name === undefined || (port !== undefined && Number(port) > 65_535)) return false;
    return isHostName(name) || isAddress(stripBrackets(name));
  }, UPSTREAM_HOST),
);

const notNode = (policy: unknown): string | undefined =>
  policy === "rewrite" || policy === "pass"
    ? "must be node on Workers (or left out): Workers' fetch sends the host of the address it asks (X-Forwarded-Host has the client's)"
    : undefined;

/** How long an upstream is waited for, and when another is tried. */
export const patience = {
  timeouts: optional(timeouts, { help: "How long each part of a request may take; 0 is without limit." }),
  retries: optional(retries, { help: "When a request is tried on another address." }),
  keepalive: optional(keepalive, { help: "When a connection to an upstream is given up between two requests." }),
  health: optional(health, { help: "How nodes that fail are found." }),
} as const;

/** Which upstream gets a request, and what of the request and the answer is changed. */
export const forwarding = {
  balancer: lateDefault(balancer, "round_robin", {
    help: "How a node is chosen. round_robin: in turn, by weight. least_requests: of two drawn by weight the one with fewer requests under way. random: drawn by weight.",
  }),
  pass_host: lateDefault(words(["pass", "node", "rewrite"]), "pass", {
    help: "The Host an upstream gets. pass: the client's. node: the node's address and port. rewrite: upstream_host.",
    workers: notNode,
  }),
  upstream_host: optional(upstreamHost, {
    help: "The Host an upstream gets with pass_host: rewrite; without that it means nothing.",
  }),
  request_headers: optional(headerChangesSchema, { help: "Changes of the headers an upstream gets." }),
  response_headers: optional(headerChangesSchema, { help: "Changes of the headers a client gets." }),
  upstream_tls: optional(routeUpstreamTls, { help: UPSTREAM_TLS_HELP }),
} as const;

/** What a route has where neither it nor `defaults` say anything. */
export const ROUTE_DEFAULTS = {
  ...lateDefaults({ entries: forwarding }),
  timeouts: lateDefaults(timeouts),
  retries: lateDefaults(retries),
  keepalive: lateDefaults(keepalive),
  passive: lateDefaults(passive),
  active: lateDefaults(active),
  upstream_tls: lateDefaults(routeUpstreamTls),
};
