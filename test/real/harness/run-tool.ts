export interface ToolOptions {
  stdin?: string;
  env?: Record<string, string>;
  cwd?: string;
}

/** Runs a program to its end and returns what it wrote to stdout. An exit code other than 0 is an error with its stderr. */
export async function runTool(command: readonly string[], { stdin, env, cwd }: ToolOptions = {}): Promise<string> {
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...process.env, ...env },
    stdin: stdin === undefined ? "ignore" : new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with exit code ${code}: ${stderr.trim()}`);
  return stdout;
}
