import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * What becomes of bytes: `pass` lets them through; `freeze` swallows them in both directions while all connections stay
 * open, as a firewall that forgot them; `reset` ends every new connection at once, as where nothing listens;
 * `black_hole` takes new connections in and swallows what comes, open ones go on.
 */
export type ProxyMode = "pass" | "freeze" | "reset" | "black_hole";

/** What becomes of bytes on their way back to the client, in open connections and later ones. */
export type ProxyFlow =
  | { readonly kind: "plain" }
  /** They come that much later, in their order. */
  | { readonly kind: "delay"; readonly ms: number }
  /** So many at a time, that many milliseconds apart. */
  | { readonly kind: "throttle"; readonly bytes: number; readonly ms: number }
  /** The same bytes, cut elsewhere. */
  | { readonly kind: "rechunk"; readonly bytes: number }
  /** Each segment comes twice. */
  | { readonly kind: "duplicate" };

/** A TCP proxy that knows nothing of what flows through it, TLS included. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections open now. */
  readonly open: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** For connections open now and later ones. What was swallowed is lost: thawed connections may be out of step. */
  set(mode: ProxyMode): void;
  flow(flow: ProxyFlow): void;
  /** Resets all open connections. */
  cut(): void;
  /** The connections open now fall silent for good, in both directions, and are not closed. Later ones work. */
  stall(): void;
  stop(): Promise<void>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts a proxy on a free loopback port. */
export async function faultProxy(target: { readonly host?: string; readonly port: number }): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let mode: ProxyMode = "pass";
  let flow: ProxyFlow = { kind: "plain" };
  let open = 0;
  let accepted = 0;

  const swallows = (socket: Socket): boolean => mode === "freeze" || silent.has(socket);

  /** Writes, and waits while the other end does not read. */
  const write = async (to: Socket, bytes: Uint8Array): Promise<void> => {
    if (to.destroyed || to.write(bytes)) return;
    await new Promise<void>((resolve) => {
      to.once("drain", resolve);
      to.once("close", resolve);
    });
  };

  const pieces = async (to: Socket, bytes: Uint8Array, size: number, ms: number): Promise<void> => {
    for (let at = 0; at < bytes.length && !to.destroyed && !swallows(to); at += size) {
      if (ms > 0) await pause(ms);
      await write(to, bytes.subarray(at, at + size));
    }
  };

  const deliver = async (to: Socket, bytes: Uint8Array, how: ProxyFlow): Promise<void> => {
    if (how.kind === "delay") await pause(how.ms);
    if (swallows(to)) return;
    if (how.kind === "throttle") return pieces(to, bytes, how.bytes, how.ms);
    if (how.kind === "rechunk") return pieces(to, bytes, how.bytes, 0);
    await write(to, bytes);
    if (how.kind === "duplicate") await write(to, bytes);
  };

  /** Carries one direction; what comes while something is under way waits for it. */
  const carry = (from: Socket, to: Socket, isAnswer: boolean): void => {
    let line: Promise<void> = Promise.resolve();
    let waiting = 0;
    sockets.add(from);
    from.on("data", (data: Buffer) => {
      if (swallows(from)) return;
      const how: ProxyFlow = isAnswer ? flow : { kind: "plain" };
      waiting++;
      from.pause();
      line = line.then(async () => {
        await deliver(to, data, how);
        if (--waiting === 0) from.resume();
      });
    });
    from.on("end", () => {
      line = line.then(() => {
        if (!swallows(from)) to.end();
      });
    });
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      // Behind what is still under way: an end must not overtake the bytes before it.
      line = line.then(() => {
        if (!swallows(from) || !isAnswer) to.destroy();
      });
    });
  };

  const server = createServer((client) => {
    accepted++;
    client.on("error", () => {});
    if (mode === "reset") {
      client.resetAndDestroy();
      return;
    }
    open++;
    client.on("close", () => {
      open--;
    });
    if (mode === "black_hole") {
      sockets.add(client);
      client.on("close", () => sockets.delete(client));
      client.resume();
      return;
    }
    const upstream = connect(target.port, target.host ?? "127.0.0.1");
    carry(client, upstream, false);
    carry(upstream, client, true);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const stop = async (): Promise<void> => {
    mode = "reset";
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    port: (server.address() as AddressInfo).port,
    get open() {
      return open;
    },
    get accepted() {
      return accepted;
    },
    set(next) {
      mode = next;
    },
    flow(next) {
      flow = next;
    },
    cut,
    stall() {
      for (const socket of sockets) silent.add(socket);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
