import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * What becomes of bytes: `pass` lets them through; `freeze` swallows them in both directions while all connections stay
 * open, as a firewall that forgot them; `reset` ends every new connection at once.
 */
export type ProxyMode = "pass" | "freeze" | "reset";

/** A TCP proxy that knows nothing of what flows through it, TLS included. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections open now. */
  readonly open: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** For connections open now and later ones. What was swallowed is lost: thawed connections may be out of step. */
  set(mode: ProxyMode): void;
  /** Resets all open connections. */
  cut(): void;
  stop(): Promise<void>;
}

/** Starts a proxy on a free loopback port. */
export async function faultProxy(target: { readonly host?: string; readonly port: number }): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  let mode: ProxyMode = "pass";
  let open = 0;
  let accepted = 0;

  const server = createServer((client) => {
    accepted++;
    client.on("error", () => {});
    if (mode === "reset") {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target.port, target.host ?? "127.0.0.1");
    open++;
    const pair = [client, upstream] as const;
    for (const [from, to] of [pair, [upstream, client] as const]) {
      sockets.add(from);
      from.on("data", (data) => {
        if (mode === "freeze") return;
        if (to.write(data)) return;
        from.pause();
        to.once("drain", () => from.resume());
      });
      from.on("end", () => {
        if (mode !== "freeze") to.end();
      });
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        if (mode !== "freeze") to.destroy();
      });
    }
    client.on("close", () => {
      open--;
    });
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
    cut,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
