import * as v from "valibot";
import type { HealthConfig, ProbeTimes } from "../../balancing/options.ts";
import { type KeyRules, key, lateDefault, lateDefaults, mapping, optional } from "../../base/schema/key.ts";
import { object, oneOf, orOff, words } from "../../base/schema/shapes.ts";
import { durationMs, integer, shownText } from "../../base/schema/values.ts";
import type { StreamRule } from "../../streams/options.ts";
import { foreignToStreams } from "./foreign-keys.ts";
import { CERTIFICATES_HELP, certificates, listen } from "./listen.ts";
import type { UpstreamTlsConfig } from "./route.ts";
import { FINDING, SERVICE_REFERENCE, targets } from "./target.ts";
import { passiveHealth, probes, UPSTREAM_TLS_HELP, upstreamTls } from "./upstream.ts";

const CLIENT_IP = "client_ip: a connection has nothing else to hash";

const clientIp = oneOf(
  [
    v.pipe(
      v.literal("client_ip", CLIENT_IP),
      v.transform(() => ({ client_ip: true as const })),
    ),
    object({ client_ip: key(v.literal(true, "true"), { help: "By the client's address." }) }),
  ],
  CLIENT_IP,
);

const balancer = oneOf(
  [
    words(["round_robin", "least_requests", "random"]),
    object({ consistent_hash: key(clientIp, { help: "Connections of the same client go to the same node." }) }),
  ],
  "one of round_robin, least_requests, random, or a mapping of consistent_hash",
);

const timeouts = object({
  connect: lateDefault(durationMs(), 2000, { help: "To one address, TLS included." }),
  idle: lateDefault(durationMs(), 0, { help: "How long a connection may be silent both ways." }),
});

const retries = object({
  attempts: lateDefault(integer(1, 10), 2, { help: "Addresses tried in all, the first one included." }),
});

const passive = passiveHealth("Failures to connect");

const active = object(probes);

const health = object({
  passive: optional(orOff(passive), {
    help: "A node that cannot be connected to is left out for a while; on unless it is false.",
  }),
  active: optional(orOff(active), {
    help: "Connecting to every node again and again; off by default.",
  }),
});

const STREAM_RULES: KeyRules = {
  one: ["service", "services", "nodes"],
  none: "must have one of service, services, nodes: it says nothing about where connections go",
  alone: { nodes: FINDING },
};

const ID = "a text that is unique among the streams";

/** What a stream without a host listens on: every address of the machine, as `server.listen`. */
export const streamListen = listen("0.0.0.0");

/** One entry of `streams:`. */
export const streamSchema = mapping(
  object(
    {
      id: optional(shownText(ID), { help: "By default the address it listens on." }),
      listen: key(streamListen, { help: "Where connections are taken." }),
      service: optional(shownText(SERVICE_REFERENCE), { help: "Connections go to the nodes of this service." }),
      ...targets,
      balancer: lateDefault(balancer, "round_robin", {
        help: "How a node is chosen. round_robin: in turn, by weight. least_requests: of two drawn by weight the one with fewer connections. random: drawn by weight.",
      }),
      timeouts: optional(timeouts, { help: "How long each part of a connection may take; 0 is without limit." }),
      retries: optional(retries, { help: "Trying other addresses until one connects." }),
      health: optional(health, { help: "How nodes that fail are found." }),
      tls: optional(certificates, { help: CERTIFICATES_HELP }),
      upstream_tls: optional(upstreamTls, { help: UPSTREAM_TLS_HELP }),
      proxy_protocol: optional(words(["v1", "v2"]), {
        help: "Tells the upstream the client's address in this version of HAProxy's protocol; by default not.",
      }),
      max_connections: optional(integer(1), {
        help: "Connections at a time; more are closed at once. By default without limit.",
      }),
    },
    "a stream: a mapping with listen and one of service, services, nodes",
  ),
  { rules: STREAM_RULES, foreign: foreignToStreams },
);

/**
 * What a stream has where it does not say anything. Databases keep quiet connections for hours, so none is cut for
 * that; peers that vanished are found by TCP keep-alive.
 */
export const STREAM_DEFAULTS = {
  ...lateDefaults(streamSchema),
  timeouts: lateDefaults(timeouts),
  retries: lateDefaults(retries),
  passive: lateDefaults(passive),
  active: lateDefaults(active),
  upstream_tls: lateDefaults(upstreamTls),
};

/** An entry of `streams:` as written and checked. */
export type RawStream = v.InferOutput<typeof streamSchema>;

/** A stream with every default filled in. */
export interface StreamConfig
  extends StreamRule,
    Omit<RawStream, keyof StreamRule | "balancer" | "health" | "upstream_tls"> {
  readonly balancer: v.InferOutput<typeof balancer>;
  readonly health: HealthConfig<ProbeTimes>;
  readonly upstream_tls?: UpstreamTlsConfig | undefined;
}
