/**
 * Builds the single executable: `bun run build [--target bun-linux-arm64] [--outfile FILE]`, dist/podway by default. It
 * is this Bun with the program inside, so nothing is fetched; another target's Bun comes from the package registry.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

const ROOT: string = join(import.meta.dir, "..");

function readOptions(): { target: string | undefined; outfile: string } {
  try {
    const { values } = parseArgs({
      args: process.argv.slice(2),
      options: { target: { type: "string" }, outfile: { type: "string", default: join(ROOT, "dist/podway") } },
    });
    const { target, outfile } = values;
    if (target === undefined || target.startsWith("bun-")) return { target, outfile };
    throw new Error(`--target begins with bun-, such as bun-linux-arm64; found ${target}`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nusage: bun run build [--target TARGET] [--outfile FILE]\n`);
    process.exit(2);
  }
}

const { target, outfile } = readOptions();

const built = await Bun.build({
  entrypoints: [join(ROOT, "src/executable.ts")],
  target: "bun",
  // Top-level await, which bytecode allows in modules only.
  format: "esm",
  minify: true,
  bytecode: true,
  // For the places in stack traces: it goes into the executable.
  sourcemap: "inline",
  compile: {
    outfile,
    ...(target !== undefined && { target: target as Bun.Build.CompileTarget }),
    // A folder it is started in must not run code in it.
    autoloadBunfig: false,
    // A module beside the config imports packages by what their package.json exports, as it does from source.
    autoloadPackageJson: true,
    // What is not installed is an error that names it, never a download.
    execArgv: ["--no-install"],
  },
});
for (const log of built.logs) process.stderr.write(`${log}\n`);
if (!built.success) process.exit(1);
// Left beside it as well, and of no use to anybody.
await rm(`${outfile}.map`, { force: true });
process.stdout.write(`${outfile}: ${(Bun.file(outfile).size / 1e6).toFixed(1)} MB\n`);
