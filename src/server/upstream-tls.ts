import type { Logger } from "../base/log.ts";
import type { UpstreamTlsConfig } from "../config/schema.ts";
import { createHttp1Client } from "../http/http1/client.ts";
import type { Transport } from "../http/transport.ts";
import { backgroundClock } from "../platform/background-clock.ts";
import type { Files } from "../platform/files.ts";
import type { Host } from "../platform/host.ts";
import type { Runtime } from "../platform/runtime.ts";
import type { ClientTls } from "../platform/tls.ts";

/** What `upstream_tls` needs. */
export interface UpstreamTlsOptions {
  readonly files: Pick<Files, "readText" | "watch">;
  readonly host: Pick<Host, "inspectCertificate">;
  readonly logger: Logger;
}

/** Rejects when a file cannot be read, or a certificate is none. */
async function readTls(config: UpstreamTlsConfig, { files, host }: UpstreamTlsOptions): Promise<ClientTls> {
  const read = async (path: string | undefined): Promise<string | undefined> =>
    path === undefined ? undefined : await files.readText(path);
  const [ca, cert, key] = await Promise.all([config.ca_file, config.cert_file, config.key_file].map(read));
  if (cert !== undefined && key !== undefined) {
    const facts = host.inspectCertificate(cert, key);
    if ("fault" in facts)
      throw new Error(`${facts.fault === "cert" ? config.cert_file : config.key_file} ${facts.why}`);
  }
  return { verify: config.verify, ca, cert, key, serverName: config.server_name };
}

/** The transports of a process, one for each `upstream_tls`. */
export interface Transports {
  /** The one for such a setting; undefined: for routes without. */
  of(config: UpstreamTlsConfig | undefined): Transport;
  /**
   * Forgets all but these, and watches the files of the others no longer; requests under way go on with what they have.
   */
  keep(configs: readonly UpstreamTlsConfig[]): void;
}

/** What makes connections. */
export type Dialing = Pick<Runtime, "dial" | "dialHttp">;

const transportWith = ({ dial, dialHttp }: Dialing, tls: ClientTls | undefined): Transport =>
  createHttp1Client({
    dial: dialHttp ?? dial(),
    dialTls: dial(tls ?? { verify: true }),
    dialStream: dial(tls),
    clock: backgroundClock,
    random: Math.random,
  });

interface Followed {
  readonly transport: Transport;
  unfollow(): void;
}

/**
 * Makes a transport for each `upstream_tls` and keeps it, so that routes with the same one, and a route across reloads
 * of the config, share connections. Files are read at the first request; one that cannot be read fails the requests of
 * its routes alone, and is tried again with the next. When they change, new requests go by the new ones; changed ones
 * that cannot be used are logged, and the ones before stay.
 */
export function createTransports(dialing: Dialing, options: UpstreamTlsOptions): Transports {
  const plain = transportWith(dialing, undefined);
  const known = new Map<string, Followed>();

  function follow(config: UpstreamTlsConfig): Followed {
    const paths = [config.ca_file, config.cert_file, config.key_file].filter((path) => path !== undefined);
    const load = async (): Promise<Transport> => transportWith(dialing, await readTls(config, options));
    let ready: Promise<Transport> | undefined;

    async function renew(): Promise<void> {
      if (ready === undefined) return;
      try {
        ready = Promise.resolve(await load());
        options.logger.log("info", "The changed files of upstream_tls are in force", { files: paths.join(", ") });
      } catch (error) {
        const words = `upstream_tls: ${(error as Error).message}; what was read before stays in force`;
        options.logger.log("error", words);
      }
    }

    const get = (): Promise<Transport> => {
      ready ??= load().catch((error: unknown) => {
        ready = undefined;
        throw error;
      });
      return ready;
    };
    return {
      transport: {
        ...plain,
        send: async (url, request) => (await get()).send(url, request),
        dial: async (to, dialing) => (await get()).dial!(to, dialing),
      },
      unfollow: paths.length > 0 ? options.files.watch(paths, () => void renew()) : () => {},
    };
  }

  return {
    of(config) {
      if (config === undefined) return plain;
      const key = JSON.stringify(config);
      let found = known.get(key);
      if (found === undefined) {
        found = follow(config);
        known.set(key, found);
      }
      return found.transport;
    },
    keep(configs) {
      const wanted = new Set(configs.map((config) => JSON.stringify(config)));
      for (const [key, { unfollow }] of known) {
        if (wanted.has(key)) continue;
        known.delete(key);
        unfollow();
      }
    },
  };
}
