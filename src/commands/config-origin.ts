import { systemClock } from "../clock.ts";
import { startDemo } from "../demo/demo.ts";
import type { Host } from "../runtime/host.ts";
import type { Files } from "../runtime/runtime.ts";

/** The text of a config and what belongs to it while it is served. */
export interface ConfigOrigin {
  /** The name in messages. */
  readonly file: string;
  /** Whether another gateway may listen on its ports too: one that follows it, before it ends. */
  readonly share: boolean;
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
    share: true,
    read: () => files.readText(file),
    watch: (onChange) => files.watch([file], onChange),
    hints: () => [],
    stop: async () => {},
  };
}

/** The demo: an embedded apiserver, two echo pods behind it, and the config that routes to them. */
export async function demoOrigin(host: Host): Promise<ConfigOrigin> {
  const demo = await startDemo({
    serve: (handler, hostname, port) => {
      const listener = host.listen({ host: hostname, port }, handler);
      return { port: listener.port, stop: () => listener.stop(0) };
    },
    clock: systemClock,
    random: Math.random,
  });
  return {
    file: "demo",
    share: false,
    read: async () => demo.config,
    watch: () => () => {},
    hints: (gateway) => demo.hints(gateway),
    stop: () => demo.stop(),
  };
}
