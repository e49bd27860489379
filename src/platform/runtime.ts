import type { Fetch } from "../kubernetes/types.ts";
import type { Dial } from "./sockets.ts";

/** Trust and identity for TLS as a client. All texts are PEM. */
export interface ClientTls {
  /** False: the server's certificate is not checked. */
  readonly verify: boolean;
  /** Certificates to trust instead of the system's. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name the certificate must hold, where it is not the URL's host. */
  readonly serverName?: string | undefined;
}

/** The forward proxy for requests to a URL; undefined: none. */
export type ProxyOf = (url: string) => string | undefined;

/** Files, where the runtime has them. */
export interface Files {
  /** The file's text. Rejects with an error whose message names the path. */
  readText(path: string): Promise<string>;
  exists(path: string): Promise<boolean>;
  /** Writes a temporary file beside it, then renames: readers see the old or the new text, whole. */
  writeAtomic(path: string, text: string): Promise<void>;
  /**
   * Calls `onChange` (not more than once per change, some milliseconds later) when a path's content may have changed,
   * a Kubernetes ConfigMap's symlink swap included. Returns the function that stops it.
   */
  watch(paths: readonly string[], onChange: () => void): () => void;
  /** Left out where modules cannot be loaded. */
  readonly modules?: ModuleLoader | undefined;
}

/** A module of the user's, in JavaScript or TypeScript, as it is now. */
export interface ModuleState {
  /** Absolute path, links resolved. */
  readonly path: string;
  /** The same as the config names it: a link of a ConfigMap leads to another file after each change. */
  readonly named: string;
  /** What it is made of: its file, those it imports by relative paths, and so on. One may not exist. */
  readonly files: readonly string[];
  /** Differs when what one of them holds does. */
  readonly stamp: string;
}

/** Loads the user's modules. */
export interface ModuleLoader {
  /** Looks at a module without loading it; `path` is relative to the file `beside`. Never rejects. */
  look(path: string, beside: string): Promise<ModuleState>;
  /** Evaluates modules as they are now, each with all its files; one that several import is evaluated once. Never rejects. */
  load(modules: readonly ModuleState[]): Promise<readonly PromiseSettledResult<unknown>[]>;
  /** What a module threw, in words: file, line, what is wrong, and the line without the texts in it. */
  explain(error: unknown, module: ModuleState): Promise<string>;
}

/** The outcome of a command that was run. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Everything that Bun, Deno and Workers do each in their own way. Core modules get the parts they need as arguments. */
export interface Runtime {
  readonly name: "bun" | "deno" | "workers";
  readonly env: Readonly<Record<string, string | undefined>>;
  /** undefined on Workers. */
  readonly files: Files | undefined;
  /**
   * A fetch for the apiserver: verifies with `tls`, no redirects, streams never cut by the runtime's own timers. It goes
   * through the proxy that `proxyOf` names for a URL, and through none of the environment's own accord. `proxyOf` may
   * throw: then the fetch rejects. Workers have no proxies.
   */
  clientFetch(tls: ClientTls, proxyOf?: ProxyOf): Fetch;
  /** How TCP connections to upstreams are made, with TLS where `tls` is given. */
  dial(tls?: ClientTls): Dial;
  /** The same without TLS for HTTP, where another way is faster. @default `dial` */
  readonly dialHttp?: Dial | undefined;
  /** Whether headers of a received request or answer can be changed in place. */
  readonly mutableHeaders: boolean;
  /** Whether its server copies each piece of an answer's body before it asks for the next. @default false */
  readonly copiesPieces?: boolean | undefined;
  /** Runs a program without a shell (a kubeconfig's `exec` plugin). undefined where programs cannot be run. */
  readonly run:
    | ((
        command: string,
        args: readonly string[],
        env: Readonly<Record<string, string>>,
        signal: AbortSignal,
      ) => Promise<CommandResult>)
    | undefined;
}
