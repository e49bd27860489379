import { join } from "node:path";
import { endingWithUs } from "../../helpers/child.ts";

/** Where pods listen; addresses of one test must not be another's. */
export const POD_PORT = 8080;

/** A process that answers on its own address of the pod network. */
export interface Pod extends AsyncDisposable {
  readonly ip: string;
  readonly name: string;
  /** As a node is killed: nothing is said to those that are connected. */
  kill(): Promise<void>;
}

/** Starts a pod that takes `thinks` milliseconds for an answer; resolves when it listens. */
export const startPod = (ip: string, name: string, thinks = 0): Promise<Pod> =>
  startProgram("pod.ts", ip, name, [ip, String(POD_PORT), name, String(thinks)]);

/** Starts a pod that tells what reached it, as httpbin does; resolves when it listens. */
export const startEchoPod = (ip: string, port: number, name: string): Promise<Pod> =>
  startProgram("echo-pod.ts", ip, name, [ip, String(port), name]);

async function startProgram(program: string, ip: string, name: string, args: readonly string[]): Promise<Pod> {
  const child = Bun.spawn(endingWithUs([process.execPath, join(import.meta.dir, program), ...args]), {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const first = await child.stdout.getReader().read();
  if (first.done) throw new Error(`Pod ${name} ended before it listened on ${ip}`);
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return { ip, name, kill, [Symbol.asyncDispose]: kill };
}
