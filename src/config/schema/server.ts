import * as v from "valibot";
import { key, mapping, optional, withDefault } from "../../base/schema/key.ts";
import { object, off, oneOf, orOff, record, words } from "../../base/schema/shapes.ts";
import {
  boolean,
  cidr,
  durationMs,
  headerName,
  headerValue,
  integer,
  port,
  shownText,
  shownUrl,
  text,
} from "../../base/schema/values.ts";
import { PATHS } from "../../http/readings.ts";
import { CERTIFICATES_HELP, certificates, listen } from "./listen.ts";
import { IGNORED, NO_LISTENER } from "./unsupported.ts";

/** `server.listen`. */
export const serverListen = v.optional(listen("0.0.0.0"), "0.0.0.0:8080");
/** `admin.listen`. */
export const adminListen = v.optional(listen("127.0.0.1"), "127.0.0.1:9090");

/** With several `workers` those of the whole gateway are shared out among them. */
const limits = object({
  header_bytes: withDefault(integer(1024), 32_768, { help: "Bytes of all headers together; more is a 431." }),
  headers: withDefault(integer(1), 100, { help: "Number of headers; more is a 431." }),
  url_bytes: withDefault(integer(64), 8192, { help: "Bytes of path and query; more is a 414." }),
  body_bytes: withDefault(integer(0), 0, { help: "Bytes of a body; more is a 413. 0 is no limit." }),
  body_rate: withDefault(integer(0), 128, {
    help: "Bytes a second that the client of a body under way sends at least; fewer is a 408. 0 is no limit.",
  }),
  body_window: withDefault(durationMs(100), 30_000, {
    help: "How long the gateway has to have waited for too few bytes.",
  }),
  head_timeout: withDefault(durationMs(100), 10_000, {
    help: "How long a client may take for a TLS handshake, and from the first byte of a request's head to its last; longer is a 408.",
  }),
  keep_alive: withDefault(durationMs(100), 75_000, {
    help: "How long a connection may be without a request before it is closed.",
  }),
  write_stall: withDefault(durationMs(100), 60_000, {
    help: "How long a client may take nothing of what waits for it before its connection is ended.",
  }),
  connections: optional(integer(1), {
    help: "Clients' connections at the same time. At the limit the one that is longest without a request is closed for the new one. Left out: half of the files that may be open, less 256, and at most 20000.",
  }),
  connections_per_client: withDefault(integer(0), 0, {
    help: "The same for one address. 0 is no limit.",
  }),
  requests: withDefault(integer(0), 0, { help: "Requests under way at the same time; more are a 503. 0 is no limit." }),
  streams: withDefault(integer(1, 1000), 100, { help: "Requests at the same time on a connection of HTTP/2." }),
  buffer_bytes: withDefault(integer(1_048_576), 134_217_728, {
    help: "Bytes held for slow clients and pods, all together; beyond, new requests are a 503.",
  }),
});

/** Whether `server.workers`, as written, asks for several threads. */
export const asksForThreads = (workers: unknown): workers is string | number =>
  (typeof workers === "string" || typeof workers === "number") && String(workers) !== "1";

const onlyOne = (workers: unknown): string | undefined =>
  asksForThreads(workers)
    ? "must be 1 here (or left out): this runtime has no threads that share a port; run on Bun, or start more gateways"
    : undefined;

/** `server:`. */
export const server = mapping(
  object({
    listen: key(serverListen, { help: "Where requests are taken.", ignoredOnWorkers: IGNORED }),
    tls: optional(certificates, { help: CERTIFICATES_HELP, workers: NO_LISTENER }),
    http2: withDefault(boolean, true, {
      help: "HTTP/2: with tls where a client asks for it, without where it begins so (prior knowledge).",
      ignoredOnWorkers: () => IGNORED,
    }),
    http3: withDefault(boolean, false, {
      help: "Cannot be true: HTTP/1.1 and HTTP/2 are spoken.",
      workers: NO_LISTENER,
    }),
    redirect_http: optional(port, {
      help: "A port for plain HTTP whose requests are redirected to https.",
      workers: NO_LISTENER,
    }),
    workers: withDefault(
      oneOf([v.literal("auto", "auto"), integer(1, 256)], "auto or a whole number from 1 to 256"),
      1,
      {
        help: "Threads that share the listener; auto: one for each processor.",
        threads: onlyOne,
      },
    ),
    trusted_proxies: withDefault(v.array(cidr, "a list of addresses or CIDR blocks"), [], {
      help: "Proxies in front of this one whose X-Forwarded-* and Forwarded headers are believed.",
    }),
    limits: withDefault(limits, {}, { help: "Limits of requests and of connections." }),
    paths: withDefault(words(PATHS), "reject", {
      help: "How a path with a backslash, %5C, %2F, two slashes or a semicolon is read: reject answers 400 where that decides on the route.",
    }),
    underscore_headers: withDefault(words(["pass", "drop"]), "pass", {
      help: "Header names with _ (or a dot and its like), which many servers take for the same name with -: those that would pass for one the gateway writes never do.",
    }),
    via: withDefault(boolean, false, { help: "Adds Via to requests and answers (RFC 9110 section 7.6.3)." }),
    upstream_headers: withDefault(boolean, false, {
      help: "Answers carry x-podway-upstream and x-podway-upstream-status.",
    }),
    zone: optional(shownText("the name of a zone"), {
      help: "The zone this runs in: endpoints hinted to it are preferred.",
    }),
    access_log: withDefault(oneOf([words(["json", "combined"]), off], "one of json, combined, false"), "json", {
      help: "One line for each request on standard output.",
    }),
    log_level: withDefault(words(["debug", "info", "warn", "error"]), "info", {
      help: "What is said on standard error.",
    }),
    drain_delay: withDefault(durationMs(), 0, {
      help: "After SIGTERM, how long connections are still accepted.",
      ignoredOnWorkers: IGNORED,
    }),
    drain: withDefault(durationMs(), 10_000, {
      help: "After SIGTERM, how long requests in flight may take.",
      ignoredOnWorkers: IGNORED,
    }),
  }),
  {
    rules: {
      with: { redirect_http: ["tls", "needs server.tls: there is no https to redirect to"] },
    },
  },
);

/** `admin:`. */
export const admin = orOff(
  object({
    listen: key(adminListen, { help: "Where the admin API is; not on loopback it needs a token." }),
    token: optional(text("a token, or a text such as ${ADMIN_TOKEN}"), {
      help: "Asked for as Authorization: Bearer.",
    }),
  }),
);

const OTLP = "an http or https URL such as http://collector:4318";
const SAMPLE = "a number from 0 to 1";

/** `tracing:`. */
export const tracing = object({
  otlp_endpoint: key(v.pipe(shownUrl(v.string(OTLP)), v.url(OTLP), v.regex(/^https?:/i, OTLP)), {
    help: "Where spans are sent: to /v1/traces below it, unless it ends so itself.",
  }),
  sample: withDefault(v.pipe(v.number(SAMPLE), v.minValue(0, SAMPLE), v.maxValue(1, SAMPLE)), 1, {
    help: "The share of requests that begin a trace.",
  }),
  headers: withDefault(
    record(headerName, headerValue, "a mapping of header names to texts"),
    {},
    { help: "Sent with every export." },
  ),
});
