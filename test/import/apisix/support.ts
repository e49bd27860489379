import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { apisix } from "../../../src/import/apisix/apisix.ts";
import { type Imported, runImporter } from "../../../src/import/run-importer.ts";
import type { ServedGateway } from "../../gateway/support.ts";
import { closedPort } from "../../helpers/closed-port.ts";
import type { Ask } from "./cases.ts";

/** Where the configurations are, one folder each. */
export const FIXTURES = join(import.meta.dir, "../../fixtures/import/apisix");

/** The names of all of them. */
export const fixtureNames = async (): Promise<string[]> =>
  (await readdir(FIXTURES, { withFileTypes: true })).flatMap((one) => (one.isDirectory() ? [one.name] : [])).sort();

/** The files of one, config.yaml after the others as a user might name them. */
export async function fixtureFiles(name: string): Promise<{ name: string; content: string }[]> {
  const names = (await readdir(join(FIXTURES, name))).sort();
  return Promise.all(
    names.map(async (file) => ({ name: file, content: await readFile(join(FIXTURES, name, file), "utf8") })),
  );
}

export type Carried = Extract<Imported, { ok: true }>;

/** Imports texts that must be readable. */
export function imported(files: readonly { name: string; content: string }[]): Carried {
  const result = runImporter(apisix, files);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result;
}

/** What a server of the stage got. */
export interface Got {
  readonly server: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Real servers in the place of the fixtures' ports 1980 and up. */
export interface Stage extends AsyncDisposable {
  /** A text with the ports of what really listens. */
  withPorts(text: string): string;
}

/** 1980 to 1983 answer what they got; 1985 does too, and fails its health checks; nobody listens on 1988 and 1989. */
const ANSWERING = [1980, 1981, 1982, 1983, 1985];
const DEAD = [1988, 1989];

/** Starts the servers. `more`: other ports of the fixtures, and what they stand for. */
export async function openStage(more: Readonly<Record<number, number>> = {}): Promise<Stage> {
  const answer = async (server: number, request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/status") return new Response(null, { status: server === 1985 ? 500 : 200 });
    const body = await request.text();
    if (pathname === "/slow") await Bun.sleep(600);
    const got: Got = {
      server: String(server),
      method: request.method,
      target: pathname + search,
      headers: Object.fromEntries(request.headers),
      body,
    };
    return Response.json(got, { headers: { "x-powered-by": "tests", "x-list": "0" } });
  };
  const servers = ANSWERING.map((port) => ({
    port,
    server: Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: (request) => answer(port, request) }),
  }));
  const ports = new Map<number, number>(servers.map(({ port, server }) => [port, server.port!]));
  for (const port of DEAD) ports.set(port, await closedPort());
  for (const [port, real] of Object.entries(more)) ports.set(Number(port), real);
  return {
    withPorts: (text) =>
      text.replace(/\b(19[89][0-9]|1644[0-9])\b/g, (port) => String(ports.get(Number(port)) ?? port)),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map(({ server }) => server.stop(true)));
    },
  };
}

/** The text of a gateway.yaml for a test's own ports: nothing else of it is changed. */
export const servable = (text: string): string =>
  `${text.replace(/\blisten: [^\s,}]+/, "listen: 127.0.0.1:0")}\nadmin: { listen: 127.0.0.1:0 }\n`;

/** Asks a served gateway. */
export async function send(gateway: ServedGateway, { ask, host, headers, body }: Ask): Promise<Response> {
  const [method, target] = ask.split(" ") as [string, string];
  const own = typeof headers === "function" ? await headers() : headers;
  return gateway.fetch(target, {
    method,
    headers: { ...own, ...(host === undefined ? {} : { host }) },
    decompress: false,
    ...(body === undefined ? {} : { body }),
  } as RequestInit);
}

/** Asks, and compares what comes with what has to. */
export async function verify(gateway: ServedGateway, stage: Stage, ask: Ask): Promise<void> {
  const answer = await send(gateway, ask);
  const text = await answer.text();
  assertEquals(answer.status, ask.status ?? 200, `${ask.ask}: ${text}`);
  for (const [name, value] of Object.entries(ask.answers ?? {})) {
    assertEquals(answer.headers.get(name), value, `${ask.ask}: ${name}`);
  }
  if (ask.detail !== undefined) assertEquals((JSON.parse(text) as { detail: string }).detail, ask.detail);
  if (ask.from === undefined && ask.target === undefined && ask.sent === undefined && ask.method === undefined) return;
  const got = JSON.parse(text) as Got;
  if (ask.from !== undefined) assert([ask.from].flat().includes(Number(got.server)), `${ask.ask}: from ${got.server}`);
  if (ask.target !== undefined) assertEquals(got.target, ask.target);
  if (ask.method !== undefined) assertEquals(got.method, ask.method);
  for (const [name, value] of Object.entries(ask.sent ?? {})) {
    assertEquals(got.headers[name] ?? null, value === null ? null : stage.withPorts(value), `${ask.ask}: ${name}`);
  }
}
