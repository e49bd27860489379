import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type ServedGateway, serve as serveOnBun } from "../gateway/support.ts";
import { until } from "../helpers/wait.ts";
import { startOnDeno } from "../runtimes/deno.ts";

/** Set to `deno`: the gateway of these tests is a process on Deno, else it is in the test's own on Bun. */
export const ON_DENO: boolean = process.env.PODWAY_STREAMS_ON === "deno";

/** What these tests use of a gateway. */
export type Served = Pick<
  ServedGateway,
  "stdout" | "stderr" | "writeConfig" | "stop" | "admin" | typeof Symbol.asyncDispose
>;

/** The config's text, with listeners on ports of the system's choice. */
const withPorts = (config: object): string => {
  const listen = { listen: "127.0.0.1:0" };
  const { server, admin } = config as { server?: object; admin?: object };
  return JSON.stringify({ ...config, server: { ...listen, ...server }, admin: { ...listen, ...admin } });
};

async function serveOnDeno(config: object): Promise<Served> {
  const gateway = await startOnDeno({ config: withPorts(config) });
  return {
    ...gateway,
    admin: async (path) => (await gateway.admin(path)).json(),
    writeConfig: (next) => writeFile(gateway.configFile, withPorts(next as object)),
  };
}

/** Serves a config on the runtime these tests are for. */
export const serve = (config: object): Promise<Served> => (ON_DENO ? serveOnDeno(config) : serveOnBun(config));

/** An upstream that really listens, on an address of loopback. */
export interface Upstream extends AsyncDisposable {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Connections it has taken, in order; none is forgotten. */
  readonly taken: Socket[];
  readonly node: { host: string; port: number };
  stop(): Promise<void>;
}

/** What an upstream does with a connection. */
export type Manner = (socket: Socket, name: string) => void;

/** Says its name, then gives back what it gets. */
export const echo: Manner = (socket, name) => {
  socket.write(`${name}\n`);
  socket.on("data", (bytes) => void socket.write(bytes));
  socket.on("end", () => socket.end());
};

/** Starts an upstream. */
export async function upstream(
  name: string,
  manner: Manner = echo,
  { host = "127.0.0.1", port = 0 }: { host?: string; port?: number } = {},
): Promise<Upstream> {
  const taken: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    taken.push(socket);
    socket.on("error", () => {});
    manner(socket, name);
  });
  server.listen(port, host);
  await once(server, "listening");
  const bound = (server.address() as AddressInfo).port;
  const stop = async (): Promise<void> => {
    for (const socket of taken) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return { name, host, port: bound, taken, node: { host, port: bound }, stop, [Symbol.asyncDispose]: stop };
}

/** A client's connection, and all that came of it. */
export interface Client extends Disposable {
  readonly socket: Socket;
  /** What was received. */
  readonly text: string;
  readonly ended: boolean;
  /** Undefined: it is open; else its error's code, or "" for none. */
  readonly closed: string | undefined;
  /** Resolves once that text was received. */
  got(text: string): Promise<void>;
}

/** Connects to a port of loopback. */
export async function client(port: number, host = "127.0.0.1"): Promise<Client> {
  const socket = connect({ port, host, allowHalfOpen: true });
  const state = { text: "", ended: false, closed: undefined as string | undefined };
  let error = "";
  socket.on("data", (bytes) => {
    state.text += bytes.toString("latin1");
  });
  socket.on("end", () => {
    state.ended = true;
  });
  socket.on("error", (cause: NodeJS.ErrnoException) => {
    error = cause.code ?? cause.message;
  });
  socket.on("close", () => {
    state.closed = error;
  });
  await once(socket, "connect");
  return {
    socket,
    get text() {
      return state.text;
    },
    get ended() {
      return state.ended;
    },
    get closed() {
      return state.closed;
    },
    async got(text) {
      await until(() => state.text.includes(text), {
        interval: 2,
        message: () => `no ${JSON.stringify(text)} in ${JSON.stringify(state.text)}`,
      });
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** A gateway with streams on ports of the system's choice. */
export interface StreamGateway extends AsyncDisposable {
  readonly gateway: Served;
  /** The port of a stream. */
  port(id: string): Promise<number>;
  /** Lines of the access log about connections, as far as they have come. */
  lines(): Record<string, unknown>[];
  /** The line of the connection that ended n-th, from 1. */
  line(n?: number): Promise<Record<string, unknown>>;
}

/** Serves these streams, the first of which is called `s` where it has no id, and each on port 0 unless it says more. */
export async function serveStreams(streams: readonly object[], more: object = {}): Promise<StreamGateway> {
  const gateway = await serve({
    ...more,
    streams: streams.map((stream, index) => ({
      id: index === 0 ? "s" : `s${index}`,
      listen: "127.0.0.1:0",
      ...stream,
    })),
  });
  const lines = (): Record<string, unknown>[] =>
    gateway.stdout
      .filter((line) => line.startsWith("{"))
      .flatMap((line) => {
        const entry = JSON.parse(line) as Record<string, unknown>;
        return "stream" in entry ? [entry] : [];
      });
  return {
    gateway,
    port: (id) => portOf(gateway, id),
    lines,
    line: (n = 1) => until(() => lines()[n - 1], { message: () => `no line ${n}; ${JSON.stringify(lines())}` }),
    [Symbol.asyncDispose]: async () => {
      await gateway.stop();
    },
  };
}

/** The port a stream listens on, as the log has it. */
export async function portOf({ stderr }: Pick<ServedGateway, "stderr">, id: string): Promise<number> {
  return await until(
    () => {
      const found = stderr
        .filter((line) => line.includes("A stream listens"))
        .map((line) => JSON.parse(line) as { stream?: string; address?: string; properties?: Record<string, string> })
        .findLast((line) => (line.stream ?? line.properties?.stream) === id);
      return Number((found?.address ?? found?.properties?.address)?.split(":").at(-1));
    },
    { interval: 2, message: () => `stream ${id} does not listen\n${stderr.join("\n")}` },
  );
}
