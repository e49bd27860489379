import { systemClock } from "../base/clock.ts";
import { startDemo } from "../demo/demo.ts";
import type { Files } from "../platform/files.ts";
import type { Host } from "../platform/host.ts";
import { listenFetch } from "./fetch-listener.ts";
import { programOf } from "./io.ts";
import type { ChosenBy } from "./ports.ts";

/** The text of a config and what belongs to it while it is served. */
export interface ConfigOrigin {
  /** The name in messages. */
  readonly file: string;
  readonly chosenBy: ChosenBy;
  /** Rejects with an error that names the file. */
  read(): Promise<string>;
  /** Calls `onChange` when the text may have changed; returns the function that ends it. */
  watch(onChange: () => void): () => void;
  /** Lines for standard output after the ready line. */
  hints(gateway: string): readonly string[];
  stop(): Promise<void>;
}

/** A config file on disk. */
export function fileOrigin(file: string, files: Files): ConfigOrigin {
  return {
    file,
    chosenBy: { listen: "server.listen", admin: "admin.listen" },
    read: () => files.readText(file),
    watch: (onChange) => files.watch([file], onChange),
    hints: () => [],
    stop: async () => {},
  };
}

/** Where the demo's gateway listens; left out: the defaults of a config. */
export interface DemoPorts {
  readonly port: number | undefined;
  readonly adminPort: number | undefined;
}

/** The demo: an embedded apiserver, two echo pods behind it, and the config that routes to them. */
export async function demoOrigin(host: Host, { port, adminPort }: DemoPorts): Promise<ConfigOrigin> {
  const demo = await startDemo({
    async serve(handler, hostname, port) {
      const listener = await listenFetch({ host: hostname, port }, handler, {
        host,
        clock: systemClock,
        logger: { log: (_level, message, fields) => host.stderr(JSON.stringify({ message, ...fields })) },
        // Whatever the gateway takes, its pods take.
        limits: { connections: 0, header_bytes: 0, headers: 0, buffer_bytes: 0 },
      });
      return { port: listener.port, stop: () => listener.stop(0) };
    },
    clock: systemClock,
    random: Math.random,
  });
  const server = { ...(port !== undefined && { listen: port }), ...(host.terminal && { access_log: "combined" }) };
  const settings = { server, ...(adminPort !== undefined && { admin: { listen: `127.0.0.1:${adminPort}` } }) };
  const lines = Object.entries(settings).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  return {
    file: "demo",
    chosenBy: { listen: "--port", admin: "--admin-port" },
    read: async () => lines.join("") + demo.config,
    watch: () => () => {},
    hints: (gateway) => demo.hints(gateway, programOf(host.env)),
    stop: () => demo.stop(),
  };
}
