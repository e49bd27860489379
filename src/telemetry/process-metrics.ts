import type { ProcessUsage } from "../platform/process.ts";

/** What became of the config file's changes. */
export interface ReloadCounts {
  /** Changes that took effect, and those that were refused. */
  readonly ok: number;
  readonly failed: number;
  /** Whether the file as it stands now is in force. */
  readonly current: boolean;
  /** When the config in force was taken up, in milliseconds since the epoch. */
  readonly since: number;
  /** A 32-bit hash of the config in force: replicas with the same config show the same one. */
  readonly hash: number;
}

/** What `/metrics` shows of the process around the gateway, as plain data. */
export interface ProcessMetrics {
  readonly version: string;
  /** bun or deno. */
  readonly runtime: string;
  readonly usage: ProcessUsage;
  /** Seconds that a timer that was due at once had to wait just now. */
  readonly loopLag: number;
  readonly reloads: ReloadCounts;
}
