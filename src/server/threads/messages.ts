import type { HealthMark } from "../../balancing/health/health-set.ts";
import type { LogFields, LogLevel } from "../../base/log.ts";
import type { Config } from "../../config/schema.ts";
import type { ServerCertificate } from "../../platform/tls.ts";
import type { Ask, Reply } from "./rpc.ts";

/**
 * What the keeper and its workers tell each other. The keeper follows the clusters, reads the config and speaks for all;
 * a worker serves requests. Everything here can be cloned. `news` are texts: see `readNews`.
 */

/** What a worker starts with. */
export interface WorkerSetup {
  /** From 1; the same for one that takes another's place. */
  readonly number: number;
  readonly config: Config;
  /** The config file's path, beside which the user's modules are. */
  readonly file: string;
  readonly certificates: readonly ServerCertificate[];
}

/** From the keeper. */
export type ToWorker =
  | { readonly kind: "start"; readonly setup: WorkerSetup }
  | { readonly kind: "listen"; readonly port: number; readonly marks: readonly HealthMark[] }
  | { readonly kind: "news"; readonly feed: number; readonly news: string }
  | { readonly kind: "marks"; readonly marks: readonly HealthMark[] }
  | { readonly kind: "certificates"; readonly certificates: readonly ServerCertificate[] }
  | Ask
  | Reply;

/** From a worker. A text is lines of the access log. */
export type ToKeeper =
  | string
  /** It knows all that the keeper does, and waits for its port. */
  | { readonly kind: "caught_up" }
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "cannot_listen"; readonly why: string }
  | { readonly kind: "follow"; readonly feed: number; readonly settings: string }
  | { readonly kind: "unfollow"; readonly feed: number }
  | { readonly kind: "log"; readonly level: LogLevel; readonly message: string; readonly fields: LogFields | undefined }
  | Ask
  | Reply;
