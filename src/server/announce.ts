import type { Host } from "../platform/host.ts";
import type { ConfigOrigin } from "./config-origin.ts";
import type { Listeners } from "./listeners.ts";
import type { ProcessLogger } from "./logger.ts";
import type { GatewayServer } from "./server.ts";

/** How long the ready line waits for the first lists. */
const READY_WAIT_MS = 5000;

/** What announcing needs. */
export interface AnnounceOptions {
  readonly origin: ConfigOrigin;
  readonly host: Host;
  readonly logger: ProcessLogger;
  /** Standard output holds nothing but JSON. */
  readonly json: boolean;
  endProgress(): void;
}

/** A cluster in messages; the only one may have no id. */
const nameOf = (id: string): string => (id === "" ? "kubernetes" : id);

/**
 * Prints the ready line, when every required cluster has its first list or the wait is over: then it names what is
 * missing.
 */
export async function announce(
  { gateway, settled }: GatewayServer,
  { url, adminUrl }: Pick<Listeners, "url" | "adminUrl">,
  { origin, host, logger, json, endProgress }: AnnounceOptions,
): Promise<void> {
  const first = gateway.readiness().waiting;
  if (first.length > 0) {
    const clusters = first.map(({ id }) => nameOf(id)).join(", ");
    logger.log("info", `Listening on ${url}; waiting for the first list of ${clusters}`, { admin: adminUrl });
  }
  await gateway.whenReady(AbortSignal.timeout(READY_WAIT_MS)).catch(() => {});
  const waiting = gateway.readiness().waiting.map(({ id, state, reason }) => ({
    cluster: nameOf(id),
    why: reason || state,
  }));
  await settled();
  endProgress();
  const admin = adminUrl === undefined ? "" : ` (admin ${adminUrl})`;
  const missing = waiting.map(({ cluster, why }) => `; waiting for ${cluster}: ${why}`).join("");
  const message = `podway ready on ${url}${admin}${missing}`;
  if (json) {
    host.stdout(JSON.stringify({ time: new Date().toISOString(), message, url, admin: adminUrl, waiting }));
    return;
  }
  host.stdout(message);
  for (const hint of origin.hints(url)) host.stdout(hint);
}
