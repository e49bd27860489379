import { authority } from "../base/addresses.ts";
import { initials } from "../base/schema/key.ts";
import {
  active,
  passive,
  retries,
  type StreamConfig,
  streamSchema,
  timeouts,
  type WrittenStream,
} from "./stream-schema.ts";
import { upstreamTls } from "./upstream-schema.ts";

/**
 * What a stream has where it does not say anything. Databases keep quiet connections for hours, so none is cut for that;
 * peers that vanished are found by TCP keep-alive.
 */
const INITIAL = {
  ...initials(streamSchema),
  timeouts: initials(timeouts),
  retries: initials(retries),
  passive: initials(passive),
  active: initials(active),
  upstream_tls: initials(upstreamTls),
};

/** A stream is what its own entry says: `defaults` are for requests. */
export function fillStream(written: WrittenStream): StreamConfig {
  const { id = authority(written.listen), upstream_tls, health, ...stream } = written;
  const passive = health?.passive ?? {};
  const active = health?.active ?? false;
  return {
    ...stream,
    ...(upstream_tls && { upstream_tls: { ...INITIAL.upstream_tls, ...upstream_tls } }),
    id,
    balancer: stream.balancer ?? INITIAL.balancer,
    timeouts: { ...INITIAL.timeouts, ...stream.timeouts },
    retries: { ...INITIAL.retries, ...stream.retries },
    health: {
      passive: passive && { ...INITIAL.passive, ...passive },
      active: active && { ...INITIAL.active, ...active },
    },
  };
}
