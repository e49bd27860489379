import { type ServedGateway, serve } from "../gateway/support.ts";
import { until } from "../helpers/wait.ts";
import { type RawSocket, rawSocket, rawSocketPod } from "./websocket-raw.ts";

/** A gateway of one route to those ports; `more` is of the route. It does not wait long for open sockets when it stops. */
export const gatewayTo = (ports: readonly number[], more: object = {}, server: object = {}): Promise<ServedGateway> =>
  serve({
    server: { listen: "127.0.0.1:0", drain: 50, ...server },
    routes: [{ nodes: ports.map((port) => ({ host: "127.0.0.1", port })), ...more }],
  });

/** A pair of sockets with a gateway in between. */
export async function pair(more: object = {}, path = "/", lines: readonly string[] = []) {
  const pod = await rawSocketPod();
  const gateway = await gatewayTo([pod.port], more);
  const client = await rawSocket(gateway.url, path, lines);
  const upstream = await pod.socket();
  return {
    client,
    upstream,
    gateway,
    async [Symbol.asyncDispose]() {
      client.socket.destroy();
      pod[Symbol.dispose]();
      await gateway.stop();
    },
  };
}

/** The status that a handshake was answered with. */
export const statusOf = (raw: RawSocket): number => Number(raw.head.split(" ")[1]);

/** The access log's line about that path. */
export const lineOf = async (gateway: ServedGateway, path: string): Promise<Record<string, unknown>> =>
  JSON.parse(
    await until(() => gateway.stdout.find((line) => line.includes(`"path":"${path}"`)), {
      message: `a line of ${path}`,
    }),
  );
