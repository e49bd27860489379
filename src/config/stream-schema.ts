import * as v from "valibot";
import type { PassiveHealthConfig, ProbeTimes } from "../balancing/options.ts";
import { object, oneOf, words } from "../base/schema/shapes.ts";
import { integer, milliseconds, shownText } from "../base/schema/values.ts";
import { certificates, type ListenAddress, listen } from "./listen-schema.ts";
import { nodes, passive, services, type UpstreamTlsConfig, upstreamTls } from "./route-schema.ts";

const off = v.literal(false, "false");

const CLIENT_IP = "client_ip: a connection has nothing else to hash";

const clientIp = oneOf(
  [
    v.pipe(
      v.literal("client_ip", CLIENT_IP),
      v.transform(() => ({ client_ip: true as const })),
    ),
    object({ client_ip: v.literal(true, "true") }),
  ],
  CLIENT_IP,
);

const balancer = oneOf(
  [words(["round_robin", "least_requests", "random"]), object({ consistent_hash: clientIp })],
  "one of round_robin, least_requests, random, or a mapping of consistent_hash",
);

const timeouts = object({ connect: v.optional(milliseconds()), idle: v.optional(milliseconds()) });

const retries = object({ attempts: v.optional(integer(1, 10)) });

const active = object({
  interval: v.optional(milliseconds(100)),
  timeout: v.optional(milliseconds(1)),
  healthy: v.optional(integer(1)),
  unhealthy: v.optional(integer(1)),
});

const health = object({
  passive: v.optional(oneOf([off, passive], "false, or a mapping of failures, eject")),
  active: v.optional(oneOf([off, active], "false, or a mapping of interval, timeout, healthy, unhealthy")),
});

const ID = "a text that is unique among the streams";

/** What a stream without a host listens on: every address of the machine, as `server.listen`. */
export const streamListen = listen("0.0.0.0");

/** One entry of `streams:`. */
export const streamSchema = object(
  {
    id: v.optional(shownText(ID)),
    listen: streamListen,
    service: v.optional(shownText("a service reference such as namespace/name:port")),
    services: v.optional(services),
    nodes: v.optional(nodes),
    cluster: v.optional(shownText("the id of a cluster")),
    namespace: v.optional(shownText("a namespace")),
    port_name: v.optional(shownText("the name of a port")),
    balancer: v.optional(balancer),
    timeouts: v.optional(timeouts),
    retries: v.optional(retries),
    health: v.optional(health),
    tls: v.optional(certificates),
    upstream_tls: v.optional(upstreamTls),
    proxy_protocol: v.optional(words(["v1", "v2"])),
    max_connections: v.optional(integer(1)),
  },
  "a stream: a mapping with listen and one of service, services, nodes",
);

type Stream = v.InferOutput<typeof streamSchema>;

/** An entry of `streams:` as written and checked. */
export type WrittenStream = Stream;

/** How long a connection's parts may take. */
export interface StreamTimeoutsConfig {
  /** Milliseconds to connect to one address, TLS included; 0 is none. */
  connect: number;
  /** Milliseconds without a byte either way after which both ends are closed; 0 is none. */
  idle: number;
}

/** A stream with every default filled in. */
export interface StreamConfig
  extends Omit<Stream, "id" | "balancer" | "timeouts" | "retries" | "health" | "upstream_tls"> {
  id: string;
  listen: ListenAddress;
  balancer: v.InferOutput<typeof balancer>;
  timeouts: StreamTimeoutsConfig;
  /** Addresses tried in all, the first included. */
  retries: { attempts: number };
  health: { passive: PassiveHealthConfig | false; active: ProbeTimes | false };
  upstream_tls?: UpstreamTlsConfig | undefined;
}
