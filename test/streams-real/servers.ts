import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endingWithUs } from "../helpers/child.ts";
import { until } from "../helpers/wait.ts";

/** A database server of Debian's, as a pod of its own address would run it. */
export interface Database extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Asks it to end, with its connections. */
  stop(): Promise<void>;
}

/** How a program ended, and what it said. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const NAMES = ["redis-server", "redis-cli", "redis-benchmark", "psql", "pgbench"];
/** Debian keeps them out of the path. */
const POSTGRES_BIN: string | undefined = [...new Bun.Glob("/usr/lib/postgresql/*/bin/initdb").scanSync("/")]
  .map((path) => path.replace(/\/initdb$/, ""))
  .toSorted()
  .at(-1);
/** PostgreSQL refuses to run as root. */
const AS_POSTGRES =
  process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];

/** What these tests lack on this machine, in words; undefined: nothing. */
export function whatIsMissing(): string | undefined {
  const missing = NAMES.filter((name) => Bun.which(name) === null);
  if (POSTGRES_BIN === undefined) missing.push("initdb (/usr/lib/postgresql/*/bin)");
  return missing.length === 0
    ? undefined
    : `not installed: ${missing.join(", ")} (Debian's packages redis-server, redis-tools and postgresql)`;
}

/** Runs a program to its end. */
export async function run(...command: string[]): Promise<Outcome> {
  const env = { ...process.env, LC_ALL: "C", PGCONNECT_TIMEOUT: "10" };
  const child = Bun.spawn(command, { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, stdout, stderr };
}

/** What a program that must succeed said. */
export async function said(...command: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...command);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${stdout}${stderr}`);
  return stdout.trim();
}

function started(command: string[], host: string, port: number, folder: string, signal: NodeJS.Signals): Database {
  const child = Bun.spawn(endingWithUs(command), { cwd: folder, stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      child.kill(signal);
      await child.exited;
      await rm(folder, { recursive: true, force: true });
    })();
    return stopped;
  };
  return { host, port, stop, [Symbol.asyncDispose]: stop };
}

/** A Redis that knows its name, under the key `who`. */
export async function startRedis(name: string, host: string, port: number): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), "podway-redis-"));
  const command = ["redis-server", "--bind", host, "--port", String(port), "--save", "", "--appendonly", "no"];
  const server = started(command, host, port, folder, "SIGTERM");
  const ask = (...words: string[]): Promise<string> => said("redis-cli", "-h", host, "-p", String(port), ...words);
  await until(async () => (await ask("set", "who", name)) === "OK", { message: `Redis ${name} answers` });
  return server;
}

/** A PostgreSQL that knows its name, in the table `who`. */
export async function startPostgres(name: string, host: string, port: number): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), "podway-postgres-"));
  if (AS_POSTGRES.length > 0) await said("chown", "postgres", folder);
  const data = join(folder, "data");
  const bin = (program: string): string => join(POSTGRES_BIN!, program);
  await said(...AS_POSTGRES, bin("initdb"), "-D", data, "-A", "trust", "-U", "postgres", "--no-sync");
  await Bun.write(join(folder, "hba"), "host all all 127.0.0.0/8 trust\n");
  const options = ["-c", "fsync=off", "-c", `hba_file=${join(folder, "hba")}`, "-c", "max_connections=200"];
  const command = [
    ...AS_POSTGRES,
    bin("postgres"),
    "-D",
    data,
    "-h",
    host,
    "-p",
    String(port),
    "-k",
    folder,
    ...options,
  ];
  // A "fast" shutdown: it ends its sessions rather than wait for them.
  const server = started(command, host, port, folder, "SIGINT");
  const sql = `create table who as select '${name}'::text as name`;
  await until(async () => (await said(...psql(host, port), "-c", "select 1")) === "1", {
    timeout: 20_000,
    message: `PostgreSQL ${name} answers`,
  });
  await said(...psql(host, port), "-c", sql);
  return server;
}

/** `psql` for one answer, without decoration. */
export const psql = (host: string, port: number): string[] => [
  ...["psql", "-h", host, "-p", String(port), "-U", "postgres", "-d", "postgres"],
  ...["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"],
];
