import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { step } from "./progress.ts";

/** Kernel clock ticks per second, as /proc counts CPU time: 100 on every Linux that Bun runs on. */
const TICKS_PER_SECOND = 100;

/** A program under test. */
export interface Child {
  readonly port: number;
  /** CPU seconds, user and system, that it and its children have used. */
  cpu(): number;
  /** The same of its threads of this name. */
  threads(name: string): number;
  /** Resident memory in megabytes. */
  rss(): number;
  /** Keeps it to these processors (`0,1`), which needs taskset. */
  pin(processors: string): void;
  stop(): Promise<void>;
}

/** A loopback port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** How a program is started. */
interface StartOptions {
  readonly env?: Record<string, string>;
  /** How its port is asked. @default "http" */
  readonly scheme?: "http" | "https";
  /** The file that gets what it prints. @default it is dropped */
  readonly stdout?: string;
}

/** Starts a program and resolves when its port answers a request. Rejects, with what it printed, after 15 s. */
export function start(command: string[], port: number, options: StartOptions = {}): Promise<Child> {
  const url = `${options.scheme ?? "http"}://127.0.0.1:${port}/`;
  const ask = () => fetch(url, { redirect: "manual", tls: { rejectUnauthorized: false } });
  return startUntil(command, port, options, ask);
}

/** Starts a program and resolves when its port takes connections. Rejects, with what it printed, after 15 s. */
export const startListening = (command: string[], port: number): Promise<Child> =>
  startUntil(
    command,
    port,
    {},
    () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect({ host: "127.0.0.1", port }, () => {
          socket.destroy();
          resolve();
        });
        socket.once("error", reject);
      }),
  );

async function startUntil(
  command: string[],
  port: number,
  { env = {}, stdout }: StartOptions,
  answers: () => Promise<unknown>,
): Promise<Child> {
  step(
    `starting ${command
      .slice(0, 2)
      .map((part) => part.split("/").at(-1))
      .join(" ")}`,
  );
  const child = Bun.spawn(command, {
    stdout: stdout === undefined ? "ignore" : Bun.file(stdout),
    stderr: "pipe",
    stdin: "ignore",
    env: { ...process.env, ...env },
  });
  const deadline = performance.now() + 15_000;
  for (;;) {
    const answered = await answers().then(
      () => true,
      () => false,
    );
    if (answered) break;
    if (performance.now() > deadline || child.exitCode !== null) {
      child.kill("SIGKILL");
      throw new Error(`${command.join(" ")} did not start: ${await new Response(child.stderr).text()}`);
    }
    await Bun.sleep(50);
  }
  return {
    port,
    cpu: () => processTree(child.pid).reduce((sum, pid) => sum + cpuOf(pid), 0),
    threads: (name) => threadsOf(child.pid, name),
    rss: () => processTree(child.pid).reduce((sum, pid) => sum + rssOf(pid), 0),
    pin: (processors) => void Bun.spawnSync(["taskset", "-a", "-c", "-p", processors, String(child.pid)]),
    async stop() {
      const tree = processTree(child.pid);
      child.kill("SIGKILL");
      // A worker of nginx outlives a master that cannot say goodbye, and is replaced where it goes first.
      for (const pid of tree.slice(1)) process.kill(pid, "SIGKILL");
      await child.exited;
    },
  };
}

/** A process and its direct children (nginx's worker). */
function processTree(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim();
  return [pid, ...(children === "" ? [] : children.split(" ").map(Number))];
}

function threadsOf(pid: number, name: string): number {
  const tasks = readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}`);
  return tasks
    .filter((task) => read(`${task}/comm`).trim() === name)
    .reduce((sum, task) => sum + cpuIn(`${task}/stat`), 0);
}

const cpuOf = (pid: number): number => cpuIn(`/proc/${pid}/stat`);

function cpuIn(stat: string): number {
  const fields = read(stat)
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}

function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
