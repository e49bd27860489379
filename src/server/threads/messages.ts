import type { HealthMark } from "../../balancing/health/health-set.ts";
import type { LogFields, LogLevel } from "../../base/log.ts";
import type { Config } from "../../config/schema.ts";
import type { ServerCertificate } from "../../platform/tls.ts";
import type { RpcRequest, RpcResponse } from "./rpc.ts";

/**
 * The messages between the primary and its workers. The primary follows the clusters, reads the config and serves the
 * admin API; a worker serves requests. All of it can be cloned (`postMessage`). `news` are texts: see `readUpdate`.
 */

/** What a worker starts with. */
export interface WorkerSetup {
  /** From 1; a worker that replaces another has the same. */
  readonly number: number;
  readonly config: Config;
  /** The config file's path, beside which the user's modules are. */
  readonly file: string;
  readonly certificates: readonly ServerCertificate[];
}

/** From the primary. */
export type ToWorker =
  | { readonly kind: "start"; readonly setup: WorkerSetup }
  | { readonly kind: "listen"; readonly port: number; readonly marks: readonly HealthMark[] }
  | { readonly kind: "news"; readonly feed: number; readonly news: string }
  | { readonly kind: "marks"; readonly marks: readonly HealthMark[] }
  | { readonly kind: "certificates"; readonly certificates: readonly ServerCertificate[] }
  | RpcRequest
  | RpcResponse;

/** From a worker. A text is lines of the access log. */
export type ToPrimary =
  | string
  /** It has all that the primary knows, and waits for its port. */
  | { readonly kind: "caught_up" }
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "cannot_listen"; readonly why: string }
  | { readonly kind: "follow"; readonly feed: number; readonly settings: string }
  | { readonly kind: "unfollow"; readonly feed: number }
  | { readonly kind: "log"; readonly level: LogLevel; readonly message: string; readonly fields: LogFields | undefined }
  | RpcRequest
  | RpcResponse;
