import process from "node:process";

/** The program, or the one line that says what to do first: on a fresh clone nothing is installed. */
async function program() {
  try {
    return await Promise.all([
      import("./cli/run.ts"),
      import("./platform/deno/runtime.ts"),
      import("./platform/deno/host.ts"),
    ]);
  } catch (error) {
    const missing = /(?:Could not resolve|Import|matching package for) ["'](?:npm:)?(@?[a-z][^"'@]*)/.exec(
      String(error),
    )?.[1];
    if (missing === undefined || missing.startsWith("file:")) throw error;
    process.stderr.write(
      `The package ${missing} is not installed: run deno install first (or bun install, npm install)\n`,
    );
    process.exit(1);
  }
}

const [{ run }, { denoRuntime }, { denoHost }] = await program();

// What the drain has not ended must not keep the process.
process.exit(await run(process.argv.slice(2), { runtime: denoRuntime, host: denoHost }));
