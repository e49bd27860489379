import { type RawClient, rawClient } from "../../gateway/raw-client.ts";
import type { GatewayProcess } from "../../helpers/gateway-process.ts";
import { until } from "../../helpers/wait.ts";

/** A middleware that says which thread served, and dies in three ways when it is asked to. */
export const TELLING: string = `
import { threadId } from "node:worker_threads";
export default () => async (c, next) => {
  switch (c.req.header("x-die")) {
    case "exit": process.exit(3);
    case "spin": for (;;);
  }
  await next();
  c.header("x-worker", String(threadId));
};
`;

/** The entry of a route's `middleware` that uses it. */
export const TELL: object = { use: "./telling.ts" };

/** The file beside the config. */
export const FILES: Record<string, string> = { "telling.ts": TELLING };

/** A connection of its own, and the worker that has it. */
export interface Connection {
  readonly worker: string;
  readonly client: RawClient;
  /** Asks on it: the worker and the body, or what went wrong. */
  ask(path?: string): Promise<string>;
}

/** Opens one. */
export async function connect(url: string): Promise<Connection> {
  const client = await rawClient(url);
  const { headers } = await client.get("/");
  return {
    worker: headers["x-worker"] ?? "none",
    client,
    ask: (path = "/") =>
      client.get(path).then(
        (answer) => `${answer.headers["x-worker"]} ${answer.status} ${answer.body}`,
        (error: Error) => error.message,
      ),
  };
}

/** Connections to every one of so many workers: several are opened until each has at least `each`. */
export async function connections(url: string, { workers = 2, each = 1 } = {}): Promise<Map<string, Connection[]>> {
  const found = new Map<string, Connection[]>();
  await until(
    async () => {
      const one = await connect(url);
      found.set(one.worker, [...(found.get(one.worker) ?? []), one]);
      return found.size === workers && [...found.values()].every((of) => of.length >= each);
    },
    { interval: 0, message: () => `connections to ${workers} workers: ${[...found.keys()]}` },
  );
  return found;
}

/** The answers of `count` requests, each on a connection of its own. */
export async function onNewConnections(url: string, count: number, path = "/"): Promise<string[]> {
  const answers: string[] = [];
  for (let i = 0; i < count; i++) {
    const response = await fetch(url + path, { headers: { connection: "close" } });
    answers.push(await response.text());
  }
  return answers;
}

/** The sum of a counter's series, read off `/metrics`. */
export async function counter(gateway: GatewayProcess, name: string): Promise<number> {
  const text = await (await gateway.admin("/metrics")).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** Lines of the log with this in them. */
export const linesWith = (gateway: GatewayProcess, text: string): string[] =>
  gateway.stderr.filter((line) => line.includes(text));
