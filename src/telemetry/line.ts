import type { AccessLogEntry } from "./access-log-entry.ts";

/** A request that is over, as the log's formats need it. */
export interface Finished {
  readonly entry: AccessLogEntry;
  readonly status: number;
  /** Of the answer's body; undefined: not known. */
  readonly bytes: number | undefined;
  /** Milliseconds since the epoch. */
  readonly ended: number;
}

/** Makes a line, its newline included. */
export type LogFormat = (finished: Finished) => string;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be found
const NEEDS_ESCAPE = /["\\\u0000-\u001f\u007f-\uffff]/;

/** A text in JSON; most need no escaping, which a test is enough to see. */
export const quote = (text: string): string => (NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`);
/** The same, or null. */
export const orNull = (text: string | undefined): string => (text === undefined ? "null" : quote(text));

// `toISOString` is slow, and under load many requests share a millisecond.
let isoMs = Number.NaN;
let iso = "";
/** A time in ISO 8601. */
export function isoTime(ms: number): string {
  if (ms !== isoMs) {
    isoMs = ms;
    iso = new Date(ms).toISOString();
  }
  return iso;
}

/** What is the same in every line of a route and service. */
interface Destination {
  readonly service: string | undefined;
  readonly cluster: string | undefined;
  readonly text: string;
}

/** Routes whose texts are kept: configs with more in use are rare, and only make texts again. */
const DESTINATIONS = 4096;
const destinations = new Map<string | undefined, Destination>();

function destination({ route, service, cluster }: Finished["entry"]): string {
  const known = destinations.get(route);
  if (known !== undefined && known.service === service && known.cluster === cluster) return known.text;
  const text = `,"route":${orNull(route)},"service":${orNull(service)},"cluster":${cluster ? quote(cluster) : "null"}`;
  if (destinations.size >= DESTINATIONS) destinations.clear();
  destinations.set(route, { service, cluster, text });
  return text;
}

/** A field more where requests are traced. */
const traced = ({ trace }: Finished["entry"]): string => (trace === undefined ? "" : `,"trace_id":"${trace.traceId}"`);

/** One JSON object; a field that does not apply is null. Its names are part of the contract with readers. */
export const jsonLine: LogFormat = ({ entry, status, bytes, ended }) => {
  const { facts } = entry;
  return (
    `{"time":"${isoTime(facts.started)}","id":${quote(entry.id)},"method":${quote(facts.method)}` +
    `,"host":${quote(facts.host)},"path":${quote(facts.path)}${destination(entry)}` +
    `,"upstream":${orNull(entry.upstream)},"status":${status},"upstream_status":${entry.upstreamStatus ?? "null"}` +
    `,"duration_ms":${ended - facts.started},"upstream_ms":${entry.upstreamMs ?? "null"},"bytes":${bytes ?? "null"}` +
    `,"tries":${entry.tries},"client":${quote(facts.client)},"error":${orNull(entry.error)}${traced(entry)}}\n`
  );
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `10/Oct/2000:13:55:36 +0000`, always in UTC. */
export function apacheTime(ms: number): string {
  const iso = new Date(ms).toISOString();
  return `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}

/** As Apache escapes: a quote and a backslash with a backslash, what is not printable ASCII as \xHH. */
export function escapeText(text: string): string {
  return NEEDS_ESCAPE.test(text)
    ? text.replace(/["\\]|[^\x20-\x7e]/g, (c) =>
        c === '"' || c === "\\" ? `\\${c}` : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
      )
    : text;
}

/** What stands in a line for a value that no log may hold. */
const HIDDEN = "xxx";

/** A query, or a URL with one, without the values of some parameters; else byte for byte. */
function withoutValues(url: string, hidden: ReadonlySet<string>): string {
  const query = hidden.size === 0 ? -1 : url.indexOf("?");
  if (query === -1) return url;
  const pairs = url.slice(query + 1).split("&");
  const shown = pairs.map((pair) => {
    const [name = ""] = new URLSearchParams(pair).keys();
    return hidden.has(name) ? `${pair.split("=", 1)[0]}=${HIDDEN}` : pair;
  });
  return `${url.slice(0, query + 1)}${shown.join("&")}`;
}

/**
 * Apache's combined format, without the values of `hidden` parameters. The protocol is always HTTP/1.1: a
 * fetch-standard request does not say which version the client spoke.
 */
export const combinedLine =
  (hidden: ReadonlySet<string>): LogFormat =>
  ({ entry, status, bytes }) => {
    const { facts } = entry;
    const target = escapeText(facts.path + withoutValues(facts.search, hidden));
    const referer = escapeText(withoutValues(facts.headers.get("referer") ?? "-", hidden));
    const agent = escapeText(facts.headers.get("user-agent") ?? "-");
    return (
      `${facts.client || "-"} - - [${apacheTime(facts.started)}] "${escapeText(facts.method)} ${target} HTTP/1.1" ` +
      `${status} ${bytes === undefined || bytes === 0 ? "-" : bytes} "${referer}" "${agent}"\n`
    );
  };
