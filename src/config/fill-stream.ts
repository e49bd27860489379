import { authority } from "./addresses.ts";
import { PASSIVE } from "./fill.ts";
import type { ConnectHealthConfig, StreamConfig, StreamTimeoutsConfig, WrittenStream } from "./stream-schema.ts";

/** Databases keep quiet connections for hours, so none is cut for that; peers that vanished are found by TCP keep-alive. */
const STREAM_TIMEOUTS: StreamTimeoutsConfig = { connect: 2000, idle: 0 };
const STREAM_ATTEMPTS = 2;
const CONNECT_HEALTH: ConnectHealthConfig = { interval: 5000, timeout: 2000, healthy: 1, unhealthy: 2 };

/** A stream is what its own entry says: `defaults` are for requests. */
export function fillStream(written: WrittenStream): StreamConfig {
  const { id = authority(written.listen), upstream_tls, health, ...stream } = written;
  const passive = health?.passive ?? {};
  const active = health?.active ?? false;
  return {
    ...stream,
    ...(upstream_tls && { upstream_tls: { verify: true, ...upstream_tls } }),
    id,
    balancer: stream.balancer ?? "round_robin",
    timeouts: { ...STREAM_TIMEOUTS, ...stream.timeouts },
    retries: { attempts: STREAM_ATTEMPTS, ...stream.retries },
    health: { passive: passive && { ...PASSIVE, ...passive }, active: active && { ...CONNECT_HEALTH, ...active } },
  };
}
