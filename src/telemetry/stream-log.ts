import { apacheTime, escapeText, isoTime, orNull, quote } from "./line.ts";

/** What became of one connection of a stream. */
export interface StreamEntry {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
  readonly ended: number;
  /** The stream's id. */
  readonly stream: string;
  /** What the config lets it listen on. */
  readonly listen: string;
  /** The client's address. */
  readonly client: string;
  /** Names of what was chosen; undefined: it never came so far. */
  readonly service: string | undefined;
  readonly cluster: string | undefined;
  /** `host:port` of the last address tried. */
  readonly upstream: string | undefined;
  /** Bytes from the client. */
  readonly up: number;
  /** Bytes from the upstream. */
  readonly down: number;
  /** Addresses tried. */
  readonly tries: number;
  /** Milliseconds until the upstream's connection stood; undefined: none did. */
  readonly connectMs: number | undefined;
  /** Why it did not end well; undefined: it did. */
  readonly error: string | undefined;
}

/** One JSON object; a field that does not apply is null. Its names are part of the contract with readers. */
export const streamJsonLine = (entry: StreamEntry): string =>
  `{"time":"${isoTime(entry.started)}","id":${quote(entry.id)}` +
  `,"stream":${quote(entry.stream)},"listen":${quote(entry.listen)}` +
  `,"service":${orNull(entry.service)},"cluster":${entry.cluster ? quote(entry.cluster) : "null"}` +
  `,"upstream":${orNull(entry.upstream)},"bytes_up":${entry.up},"bytes_down":${entry.down}` +
  `,"duration_ms":${entry.ended - entry.started},"connect_ms":${entry.connectMs ?? "null"},"tries":${entry.tries}` +
  `,"client":${quote(entry.client)},"error":${orNull(entry.error)}}\n`;

/** nginx's `$status` of a session: https://nginx.org/en/docs/stream/ngx_stream_core_module.html */
function statusOf({ error, connectMs }: StreamEntry): number {
  if (error === "limit" || error === "no_endpoints" || error === "not_synced") return 503;
  if (error !== undefined && connectMs === undefined) return error === "client_reset" ? 400 : 502;
  return 200;
}

/** Apache's combined format, as near as a connection comes to it: nginx's status of a session, and the bytes sent. */
export const streamCombinedLine = (entry: StreamEntry): string =>
  `${entry.client || "-"} - - [${apacheTime(entry.started)}] "TCP ${escapeText(entry.stream)} -" ` +
  `${statusOf(entry)} ${entry.down === 0 ? "-" : entry.down} "-" "-"\n`;
