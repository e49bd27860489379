import { existsSync } from "node:fs";
import { join } from "node:path";
import denoJson from "../../deno.json" with { type: "json" };
import { startGateway } from "../helpers/gateway-process.ts";
import { stageConfig } from "./stage.ts";
import { runtimeSuite } from "./suite.ts";

const ROOT = join(import.meta.dir, "../..");

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

/** `deno task gateway` with its permissions and no more. */
const TASK: readonly string[] = denoJson.tasks.gateway.command
  .split(" ")
  .slice(1)
  .map((word) => (word === "src/deno.ts" ? join(ROOT, word) : word));

runtimeSuite("deno", async (stage) => {
  const config = stageConfig(stage, {}, { server: { listen: "127.0.0.1:0" }, admin: { listen: "127.0.0.1:0" } });
  const [verb = "run", ...more] = TASK;
  const command = [denoProgram(), verb, "--config", join(ROOT, "deno.json"), ...more];
  const gateway = await startGateway({ config, command, timeout: 40_000 });
  return {
    url: gateway.url,
    adminUrl: gateway.adminUrl,
    log: () => [...gateway.stdout, ...gateway.stderr].join("\n"),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
});
