import type { PickInfo } from "../balancing/types.ts";
import type { WeightedBackend } from "../balancing/weighted-backend.ts";
import { authority } from "../base/addresses.ts";
import { atMost, type Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { EmptyReason } from "../discovery/types.ts";
import { Fields } from "../http/header-fields.ts";
import { createTunnel } from "../http/tunnel.ts";
import type { StreamSocket } from "../platform/sockets.ts";
import type { LogRefusal } from "../telemetry/refusals.ts";
import type { StreamFailure } from "../telemetry/stream-counters.ts";
import type { StreamEntry } from "../telemetry/stream-log.ts";
import { proxyHeader } from "./proxy-protocol.ts";
import { reach } from "./reach.ts";
import type { Stream } from "./stream.ts";

/** How long a connection waits until its service's addresses are known: the first list may be under way. */
const FIRST_NODES_MS = 10_000;

const NO_HEADERS = new Fields();

/** What serving connections needs. */
export interface ConnectionsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes why a connection found no address. */
  readonly logRefusal: LogRefusal;
  /** A new id for each connection. */
  nextId(): string;
  /** A connection ended: for the access log. */
  onEnd(entry: StreamEntry): void;
}

/** The connections of all streams. */
export interface Connections {
  /**
   * Whether the stream may take another connection beside those it has and `pending` ones that are not connections yet,
   * its `max_connections` counting from accept. One that it may not take is counted here.
   */
  admits(stream: Stream, pending: number): boolean;
  /** Serves one connection to its end. */
  serve(stream: Stream, client: StreamSocket): void;
  /** Resolves when none is left, or after `timeout` milliseconds, when those that are left are closed. */
  drain(timeout: number): Promise<void>;
}

/** A connection that has not ended. */
interface Open {
  close(): void;
}

/** Makes a set without connections. */
export function createConnections(options: ConnectionsOptions): Connections {
  const { clock, logger, logRefusal, nextId, onEnd } = options;
  const open = new Set<Open>();
  let onEmpty = (): void => {};

  /** Counts a connection in; what it gives back counts it out and tells of its end. */
  function enter(stream: Stream, client: StreamSocket) {
    const { counts } = stream;
    const started = clock.now();
    counts.connections++;
    counts.open++;
    const facts = { up: 0, down: 0, tries: 0, connectMs: undefined as number | undefined };
    let choice: WeightedBackend<unknown> | undefined;
    let upstream: string | undefined;
    const entry: Open = { close: () => {} };
    open.add(entry);
    return {
      entry,
      facts,
      started,
      chose(next: WeightedBackend<unknown>) {
        choice = next;
      },
      tries(address: string) {
        upstream = address;
        facts.tries++;
      },
      /** `error` is what the line says where it says more than the failure. */
      leave(failure: StreamFailure | undefined, error: StreamFailure | EmptyReason["code"] | undefined = failure) {
        counts.open--;
        if (failure !== undefined) counts.failures[failure]++;
        open.delete(entry);
        onEnd({
          ...facts,
          id: nextId(),
          started,
          ended: clock.now(),
          stream: stream.rule.id,
          listen: authority(stream.rule.listen),
          client: client.peer.host,
          service: choice?.upstream.name,
          cluster: choice?.upstream.cluster,
          upstream,
          error,
        });
        if (open.size === 0) onEmpty();
      },
    };
  }

  async function connect(stream: Stream, client: StreamSocket): Promise<void> {
    const { rule, counts } = stream;
    const visit = enter(stream, client);
    if (rule.max_connections !== undefined && counts.open > rule.max_connections) {
      client.destroy();
      return visit.leave("limit");
    }
    const gone = new AbortController();
    let closing = false;
    visit.entry.close = () => {
      closing = true;
      gone.abort(new Error("the gateway ends"));
    };
    client.listen({
      data: () => {},
      ended: () => {},
      drained: () => {},
      closed: () => gone.abort(new Error("the client left")),
    });
    const facts: PickInfo = { headers: NO_HEADERS, search: "", client: client.peer.host };
    const choice = stream.backends.choose(facts);
    visit.chose(choice);
    const refresh = choice.upstream.refresh();
    if (refresh !== undefined) await atMost(refresh, FIRST_NODES_MS, clock);

    const preface = rule.proxy_protocol && proxyHeader(rule.proxy_protocol, client.peer, client.local);
    const found = await reach({
      ...{ stream, from: choice, facts, preface, clock, logger },
      gone: gone.signal,
      onTry({ endpoint }, from) {
        visit.chose(from);
        visit.tries(endpoint.address);
      },
    });
    if ("failure" in found) {
      const failure = found.failure === "gone" ? (closing ? "drained" : "client_reset") : found.failure;
      client.reset();
      if (failure !== "no_upstream") return visit.leave(failure);
      const reason = choice.upstream.reason();
      logRefusal({ stream: rule.id, service: choice.upstream.name }, reason);
      return visit.leave(failure, reason?.code ?? "no_endpoints");
    }
    const { socket, from, target } = found;
    visit.facts.connectMs = clock.now() - visit.started;
    const tunnel = createTunnel({
      client,
      upstream: socket,
      idle: rule.timeouts.idle,
      clock,
      counts,
      onEnd(end) {
        from.pool.finish(target);
        visit.facts.up = tunnel.up;
        visit.facts.down = tunnel.down;
        visit.leave(end);
      },
    });
    visit.entry.close = tunnel.close;
    // Both may have happened while the connection was made.
    if (closing) tunnel.close();
  }

  return {
    admits({ rule, counts }, pending) {
      if (rule.max_connections === undefined || counts.open + pending < rule.max_connections) return true;
      counts.connections++;
      counts.failures.limit++;
      return false;
    },
    serve(stream, client) {
      connect(stream, client).catch((error: unknown) => {
        client.destroy();
        logger.log("error", `Unforeseen error in a stream: ${String(error)}`, { stream: stream.rule.id });
      });
    },
    async drain(timeout) {
      if (open.size === 0) return;
      const empty = new Promise<void>((resolve) => {
        onEmpty = resolve;
      });
      if (timeout > 0) await atMost(empty, timeout, clock);
      for (const one of [...open]) one.close();
      await empty;
    },
  };
}
