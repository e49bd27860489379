import { authority } from "../base/addresses.ts";
import { systemClock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { StreamConfig } from "../config/schema.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { Files } from "../platform/files.ts";
import type { Host } from "../platform/host.ts";
import { type StreamListener, shownAuthority, type TlsStreamListener } from "../platform/listen.ts";
import type { ServerCertificate } from "../platform/tls.ts";
import { followCertificates, readCertificates } from "./certificates.ts";
import { assertFree, openPort as chosen, type PortRules } from "./ports.ts";

/** How long until a port that could not be opened is tried again, milliseconds. */
const RETRY_MS = 2000;

/** What listening for streams needs. */
export interface StreamListenersOptions {
  readonly gateway: Pick<Gateway, "connection" | "admits" | "handshakeFailed" | "drainStreams">;
  readonly host: Pick<Host, "listenStream" | "listenStreamTls" | "isTaken" | "inspectCertificate">;
  readonly files: Pick<Files, "readText" | "watch">;
  readonly logger: Logger;
  readonly ports: PortRules;
}

/** The listening ports of the streams, across config reloads. */
export interface StreamListeners {
  /**
   * Goes over to these streams: opens what is new, stops what is gone; connections under way go on. A port that cannot
   * be opened is logged and tried again. Never rejects.
   */
  apply(streams: readonly StreamConfig[]): Promise<void>;
  /** Stops accepting; resolves when the last connection ended, or after `timeout` ms, when those left are closed. */
  stop(timeout: number): Promise<void>;
}

/** The certificates of a stream that cannot be served with. */
export class CertificatesError extends Error {
  override name = "CertificatesError";
  readonly errors: readonly string[];

  constructor(errors: readonly string[]) {
    super(errors.join("; "));
    this.errors = errors;
  }
}

interface Port {
  /** The stream its connections belong to. */
  id: string;
  readonly address: StreamConfig["listen"];
  readonly listener: StreamListener & Partial<TlsStreamListener>;
  /** `tls` as it is in force. */
  tls: string;
  unfollow(): void;
}

/** What makes a listening port the same one; each port 0 is one of its own. */
const keyOf = ({ id, listen, tls }: StreamConfig): string =>
  `${authority(listen)}${tls === undefined ? "" : " tls"}${listen.port === 0 ? ` ${id}` : ""}`;

/** Opens the ports of the streams: all or none. Rejects with `ListenError` or `CertificatesError`. */
export async function openStreams(
  streams: readonly StreamConfig[],
  { gateway, host, files, logger, ports }: StreamListenersOptions,
): Promise<StreamListeners> {
  const open = new Map<string, Port>();
  let turn = Promise.resolve();
  let cancelRetry = (): void => {};
  let stopped = false;

  async function certificatesOf({ id, tls }: StreamConfig): Promise<readonly ServerCertificate[]> {
    const made = await readCertificates(tls ?? [], { files, host }, systemClock.now(), `streams: ${id}: tls`);
    if (!made.ok) throw new CertificatesError(made.errors);
    for (const warning of made.warnings) logger.log("warn", warning);
    return made.certificates;
  }

  const follow = ({ id, tls }: StreamConfig, listener: Port["listener"]): (() => void) =>
    tls === undefined
      ? () => {}
      : followCertificates(tls, listener as TlsStreamListener, {
          ...{ files, host, logger, now: systemClock.now },
          place: `streams: ${id}: tls`,
        });

  async function openPort(stream: StreamConfig): Promise<void> {
    const { id, listen, tls } = stream;
    const handlers = {
      connection: (socket: Parameters<Gateway["connection"]>[1]) => gateway.connection(port.id, socket),
      admits: (pending: number) => gateway.admits(port.id, pending),
      refused: (error: Error) => gateway.handshakeFailed(port.id, error),
    };
    // A gateway that follows this one may listen before it ends.
    const options = { share: true };
    const listener: Port["listener"] = await chosen(`${id}'s listen (streams)`, async () => {
      assertFree(host, listen, ports);
      return tls === undefined
        ? await host.listenStream(listen, handlers, options)
        : await host.listenStreamTls(listen, handlers, await certificatesOf(stream), options);
    });
    const port: Port = {
      id,
      address: listen,
      listener,
      tls: JSON.stringify(tls),
      unfollow: follow(stream, listener),
    };
    open.set(keyOf(stream), port);
    logger.log("info", "A stream listens", { stream: id, address: shownAuthority(listen.host, listener.port) });
  }

  function closePort(key: string, port: Port): void {
    port.unfollow();
    port.listener.close();
    open.delete(key);
  }

  async function keepPort(port: Port, stream: StreamConfig): Promise<void> {
    port.id = stream.id;
    const tls = JSON.stringify(stream.tls);
    if (tls === port.tls) return;
    port.listener.renew!(await certificatesOf(stream));
    port.tls = tls;
    port.unfollow();
    port.unfollow = follow(stream, port.listener);
  }

  /** Runs `work`; false: it failed, and that was logged. */
  async function told(stream: StreamConfig, work: Promise<void>): Promise<boolean> {
    try {
      await work;
      return true;
    } catch (error) {
      const words = `${(error as Error).message}; the rest of the config is in force, and this is tried again`;
      logger.log("error", words, { stream: stream.id });
      return false;
    }
  }

  async function goOver(next: readonly StreamConfig[]): Promise<void> {
    if (stopped) return;
    cancelRetry();
    const wanted = new Map(next.map((stream) => [keyOf(stream), stream]));
    const gone = [...open].filter(([key]) => !wanted.has(key));
    const fresh = [...wanted].filter(([key]) => !open.has(key)).map(([, stream]) => stream);
    const results: boolean[] = [];
    for (const [key, port] of open) {
      const stream = wanted.get(key);
      if (stream !== undefined) results.push(await told(stream, keepPort(port, stream)));
    }
    // A port that changes hands must be free first; for the others the new one is there before the old one goes.
    const waits = ({ listen }: StreamConfig): boolean => gone.some(([, { address }]) => address.port === listen.port);
    for (const stream of fresh) if (!waits(stream)) results.push(await told(stream, openPort(stream)));
    for (const [key, port] of gone) closePort(key, port);
    for (const stream of fresh) if (waits(stream)) results.push(await told(stream, openPort(stream)));
    if (!results.every(Boolean)) cancelRetry = systemClock.after(RETRY_MS, () => void apply(next));
  }

  function apply(next: readonly StreamConfig[]): Promise<void> {
    turn = turn.then(() => goOver(next));
    return turn;
  }

  function closeAll(): void {
    cancelRetry();
    for (const [key, port] of open) closePort(key, port);
  }

  try {
    for (const stream of streams) await openPort(stream);
  } catch (error) {
    closeAll();
    throw error;
  }
  return {
    apply,
    async stop(timeout) {
      stopped = true;
      await turn;
      closeAll();
      await gateway.drainStreams(timeout);
    },
  };
}
