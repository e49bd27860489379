import type { ClientFetch } from "./fetch.ts";
import type { Files } from "./files.ts";
import type { ModuleLoader } from "./modules.ts";
import type { Env, RunCommand } from "./process.ts";
import type { Dial } from "./sockets.ts";
import type { ClientTls } from "./tls.ts";

/** What Bun and Deno do each in their own way. Core modules get the parts they need as arguments. */
export interface Runtime {
  readonly name: "bun" | "deno";
  readonly env: Env;
  readonly files: Files;
  readonly modules: ModuleLoader;
  /** How apiservers, and whatever else is neither client nor pod, are reached. */
  readonly clientFetch: ClientFetch;
  /** How TCP connections to upstreams are made, with TLS where `tls` is given. */
  dial(tls?: ClientTls): Dial;
  /** The same without TLS for HTTP, where another way is faster. @default `dial` */
  readonly dialHttp?: Dial | undefined;
  readonly run: RunCommand;
}
