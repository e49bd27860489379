import { authority } from "../base/addresses.ts";
import { STREAM_INITIALS, type StreamConfig, type WrittenStream } from "./stream-schema.ts";

/** A stream is what its own entry says: `defaults` are for requests. */
export function fillStream(written: WrittenStream): StreamConfig {
  const { id = authority(written.listen), upstream_tls, health, ...stream } = written;
  const passive = health?.passive ?? {};
  const active = health?.active ?? false;
  return {
    ...stream,
    ...(upstream_tls && { upstream_tls: { ...STREAM_INITIALS.upstream_tls, ...upstream_tls } }),
    id,
    balancer: stream.balancer ?? STREAM_INITIALS.balancer,
    timeouts: { ...STREAM_INITIALS.timeouts, ...stream.timeouts },
    retries: { ...STREAM_INITIALS.retries, ...stream.retries },
    health: {
      passive: passive && { ...STREAM_INITIALS.passive, ...passive },
      active: active && { ...STREAM_INITIALS.active, ...active },
    },
  };
}
