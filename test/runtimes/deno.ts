import { existsSync } from "node:fs";
import { join } from "node:path";
import denoJson from "../../deno.json" with { type: "json" };
import { type GatewayOptions, type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";

const ROOT: string = join(import.meta.dir, "../..");

/** The program itself: the package's launcher does not hand signals on. */
function denoProgram(): string {
  const { platform, arch } = process;
  const libc = platform === "linux" ? "-glibc" : "";
  const found = join(ROOT, `node_modules/@deno/${platform}-${arch}${libc}/deno`);
  if (!existsSync(found)) {
    throw new Error(`Deno is missing: ${found} is not there. The package deno is a devDependency: run \`bun install\``);
  }
  return found;
}

/** Starts the gateway as a task of deno.json does: with its permissions and no more. */
export function startOnDeno(
  options: GatewayOptions,
  task: keyof typeof denoJson.tasks = "gateway",
): Promise<GatewayProcess> {
  const [, verb = "run", ...words] = denoJson.tasks[task].command.split(" ");
  const rest = words.map((word) => (word === "src/deno.ts" ? join(ROOT, word) : word));
  const command = [denoProgram(), verb, "--config", join(ROOT, "deno.json"), ...rest];
  return startGateway({ ...options, command, timeout: 40_000 });
}
