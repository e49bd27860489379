import type { Clock } from "../../base/clock.ts";
import type { KeptConnection } from "./kept-connection.ts";
import type { ServerLimits } from "./limits.ts";
import type { RefusalReason } from "./refusal-counts.ts";

/** How often the connections are looked at, in milliseconds: no time-out is more exact. */
const TICK_MS = 250;
/** The same while much is held for slow ends, or the last connections are waited for. */
const SHORT_TICK_MS = 25;
/** How often connections look at what they watch themselves. */
const SECOND_MS = 1000;
/**
 * A body may be too slow for so many `body_window`s: whoever reads it knows better what is to become of its request, and comes
 * first.
 */
const WINDOWS = 2;
/** So long a connection without a request is kept though its server stops, in milliseconds. */
const FRESH_MS = 250;
/** A client takes nothing where that was seen so often: while a process is busy, the looks are rare. */
const LEAST_LOOKS = 3;
/** The longest that a connection whose answer is out is kept for the client to read it (RFC 9112 section 9.6). */
const LINGER_MS = 2000;

/** One connection, and what was seen of it so far. */
class Entry {
  connection: KeptConnection;
  readonly peer: string;
  /** What waited for the client when that last changed, since when (0: nothing waits), and how often it was looked. */
  waiting = 0;
  drains = 0;
  stalledSince = 0;
  looks = 0;
  /** The request under way, by when it began; how long its body has been waited for, and its bytes before that. */
  requestSince = 0;
  bodyWait = 0;
  bodyBytes = 0;

  constructor(connection: KeptConnection, peer: string) {
    this.connection = connection;
    this.peer = peer;
  }
}

/** A connection without a request, since then: it can be closed for another. */
interface Evictable {
  readonly entry: Entry;
  readonly since: number;
}

export interface ConnectionTableOptions {
  readonly clock: Clock;
  readonly limits: ServerLimits;
  onRefused(reason: RefusalReason): void;
}

/** All connections of a server: what keeps them within its limits. One timer serves all of them. */
export class ConnectionTable {
  /** Bytes that were held for slow ends when it was last looked. */
  heldBytes = 0;
  /** Too much is held: no request is begun. */
  overloaded = false;
  #limits: ServerLimits;
  readonly #clock: Clock;
  readonly #onRefused: (reason: RefusalReason) => void;
  readonly #entries = new Map<KeptConnection, Entry>();
  /** How many connections each address has; undefined: that does not matter. */
  #ofPeer: Map<string, number> | undefined;
  /** The one that is longest without a request at the end. */
  #evictable: Evictable[] = [];
  /** Until then none can be closed for another. */
  #noneUntil = 0;
  #cancelTick: (() => void) | undefined = undefined;
  #lookedAt = 0;
  #tickedAt = 0;
  #stopping = false;
  #onQuiet: (() => void) | undefined = undefined;

  constructor({ clock, limits, onRefused }: ConnectionTableOptions) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onRefused = onRefused;
    if (limits.connections_per_client > 0) this.#ofPeer = new Map();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Other limits: they count from now on. */
  setLimits(limits: ServerLimits): void {
    this.#limits = limits;
    if (limits.connections_per_client === 0) this.#ofPeer = undefined;
    else if (this.#ofPeer === undefined) {
      const counts = new Map<string, number>();
      for (const { peer } of this.#entries.values()) counts.set(peer, (counts.get(peer) ?? 0) + 1);
      this.#ofPeer = counts;
    }
  }

  /**
   * Whether there is room for one connection beside those it has and `pending` others: the one that is longest without a
   * request is closed for it. One that there is none for is counted as refused.
   */
  makeRoom(pending: number): boolean {
    const { connections } = this.#limits;
    if (connections === 0 || this.#entries.size + pending < connections) return true;
    if (this.#evict()) return true;
    this.#onRefused("connections");
    return false;
  }

  /** Whether another connection of this address may come; one that may not is counted as refused. */
  allows(peer: string): boolean {
    const limit = this.#limits.connections_per_client;
    if (limit === 0 || (this.#ofPeer?.get(peer) ?? 0) < limit) return true;
    this.#onRefused("connections_per_client");
    return false;
  }

  add(connection: KeptConnection, peer: string): void {
    this.#entries.set(connection, new Entry(connection, peer));
    if (this.#ofPeer !== undefined) this.#ofPeer.set(peer, (this.#ofPeer.get(peer) ?? 0) + 1);
    if (this.#cancelTick !== undefined || this.#entries.size === 0) return;
    this.#lookedAt = this.#clock.now();
    this.#schedule();
  }

  /** The same connection, whose protocol is known now. */
  replace(before: KeptConnection, after: KeptConnection): void {
    const entry = this.#entries.get(before);
    if (entry === undefined) return;
    this.#entries.delete(before);
    entry.connection = after;
    this.#entries.set(after, entry);
  }

  remove(connection: KeptConnection): void {
    const entry = this.#entries.get(connection);
    if (entry === undefined) return;
    this.#entries.delete(connection);
    const count = this.#ofPeer?.get(entry.peer);
    if (count === 1) this.#ofPeer!.delete(entry.peer);
    else if (count !== undefined) this.#ofPeer!.set(entry.peer, count - 1);
    if (this.#entries.size > 0) return;
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    this.#evictable = [];
    this.heldBytes = 0;
    this.overloaded = false;
    this.#onQuiet?.();
  }

  /** Every answer is its connection's last from now on; those without a request are closed soon. */
  drain(): void {
    this.#stopping = true;
    this.#drainOld();
  }

  /** A connection that is new, or has just had its answer, may have its next request on the way. */
  #drainOld(): void {
    const now = this.#clock.now();
    for (const connection of [...this.#entries.keys()]) {
      if (connection.phase !== "idle" || now - connection.since >= FRESH_MS) connection.drain();
    }
  }

  /** Resolves when no answer is under way any more and what there was to send has been taken. */
  quiet(): Promise<void> {
    return new Promise((resolve) => {
      this.#onQuiet = resolve;
      if (this.#isQuiet()) return resolve();
      this.#cancelTick?.();
      this.#schedule();
    });
  }

  closeAll(): void {
    for (const connection of [...this.#entries.keys()]) connection.close();
  }

  #isQuiet(): boolean {
    for (const { phase, waiting } of this.#entries.keys()) {
      if (waiting > 0 || (phase !== "unread" && phase !== "lingering" && phase !== "over")) return false;
    }
    return true;
  }

  #schedule(): void {
    const { buffer_bytes } = this.#limits;
    const hurried = this.#onQuiet !== undefined || (buffer_bytes > 0 && this.heldBytes * 4 > buffer_bytes);
    this.#cancelTick = this.#clock.after(hurried ? SHORT_TICK_MS : TICK_MS, this.#tick);
  }

  readonly #tick = (): void => {
    this.#cancelTick = undefined;
    this.#look();
    if (this.#stopping) this.#drainOld();
    if (this.#onQuiet !== undefined && this.#isQuiet()) this.#onQuiet();
    if (this.#entries.size > 0 && this.#cancelTick === undefined) this.#schedule();
  };

  /** Ends what has taken too long, and adds up what is held. */
  #look(): void {
    const now = this.#clock.now();
    const passed = now - this.#lookedAt;
    this.#lookedAt = now;
    const ticks = now - this.#tickedAt >= SECOND_MS;
    if (ticks) this.#tickedAt = now;
    let held = 0;
    for (const entry of this.#entries.values()) {
      held += entry.connection.heldBytes;
      if (ticks) entry.connection.tick?.(now);
      this.#lookAt(entry, now, passed);
    }
    const { buffer_bytes } = this.#limits;
    this.heldBytes = held;
    this.overloaded = buffer_bytes > 0 && held > buffer_bytes;
  }

  #lookAt(entry: Entry, now: number, passed: number): void {
    const { connection } = entry;
    const { head_timeout, keep_alive, write_stall } = this.#limits;
    const { phase, waiting } = connection;
    const spent = now - connection.since;
    if (phase === "idle") {
      if (keep_alive > 0 && spent >= keep_alive) connection.expire("keep_alive");
    } else if (phase === "head") {
      if (head_timeout > 0 && spent >= head_timeout) {
        this.#onRefused("head_timeout");
        connection.expire("head");
      }
    } else if (phase === "unread" || phase === "lingering") {
      if (spent >= LINGER_MS) connection.expire("linger");
    } else if (phase === "request") this.#watchBody(entry, passed);
    const { drains } = connection;
    // What a tunnel's client takes is not seen here.
    if (waiting === 0 || phase === "tunnel") entry.stalledSince = 0;
    else if (waiting !== entry.waiting || drains !== entry.drains || entry.stalledSince === 0) {
      entry.stalledSince = now;
      entry.looks = 0;
    } else if (write_stall > 0 && ++entry.looks >= LEAST_LOOKS && now - entry.stalledSince >= write_stall) {
      entry.stalledSince = 0;
      this.#onRefused("write_stall");
      connection.expire("write");
    }
    entry.waiting = waiting;
    entry.drains = drains;
  }

  /** Only the time counts in which the client's bytes were waited for. */
  #watchBody(entry: Entry, passed: number): void {
    const { connection } = entry;
    const { body_rate, body_window } = this.#limits;
    if (connection.since !== entry.requestSince) {
      entry.requestSince = connection.since;
      entry.bodyWait = entry.bodyBytes = 0;
    }
    const { bodyBytes } = connection;
    if (body_rate === 0 || bodyBytes === undefined || !connection.awaitsBody) return;
    entry.bodyWait += passed;
    if (entry.bodyWait < WINDOWS * body_window) return;
    const missing = bodyBytes - entry.bodyBytes < (body_rate * entry.bodyWait) / 1000;
    entry.bodyWait = 0;
    entry.bodyBytes = bodyBytes;
    if (!missing) return;
    this.#onRefused("body_rate");
    connection.expire("body");
  }

  /** Closes the connection that is longest without a request; false: there is none. */
  #evict(): boolean {
    if (this.#closeOldest()) return true;
    const now = this.#clock.now();
    if (now < this.#noneUntil) return false;
    for (const entry of this.#entries.values()) {
      const { phase, since } = entry.connection;
      if (phase !== "request" && phase !== "tunnel" && phase !== "over") this.#evictable.push({ entry, since });
    }
    this.#evictable.sort((a, b) => b.since - a.since);
    if (this.#closeOldest()) return true;
    // All have a request under way: looking again at once would find the same.
    this.#noneUntil = now + TICK_MS;
    return false;
  }

  #closeOldest(): boolean {
    for (let next = this.#evictable.pop(); next !== undefined; next = this.#evictable.pop()) {
      const { connection } = next.entry;
      // One that had a request since is in another phase, or in the same since later.
      if (connection.since !== next.since || connection.phase === "request") continue;
      if (!this.#entries.has(connection)) continue;
      this.#onRefused("evicted");
      connection.close();
      return true;
    }
    return false;
  }
}
