import { authority } from "../base/addresses.ts";
import { ROUTE_DEFAULTS, STREAM_DEFAULTS } from "./defaults.ts";
import type { StreamConfig, WrittenStream } from "./stream-schema.ts";

/** A stream is what its own entry says: `defaults` are for requests. */
export function fillStream(written: WrittenStream): StreamConfig {
  const { id = authority(written.listen), upstream_tls, health, ...stream } = written;
  const passive = health?.passive ?? {};
  const active = health?.active ?? false;
  return {
    ...stream,
    ...(upstream_tls && { upstream_tls: { ...ROUTE_DEFAULTS.upstream_tls, ...upstream_tls } }),
    id,
    balancer: stream.balancer ?? STREAM_DEFAULTS.balancer,
    timeouts: { ...STREAM_DEFAULTS.timeouts, ...stream.timeouts },
    retries: { ...STREAM_DEFAULTS.retries, ...stream.retries },
    health: {
      passive: passive && { ...STREAM_DEFAULTS.health.passive, ...passive },
      active: active && { ...STREAM_DEFAULTS.health.active, ...active },
    },
  };
}
