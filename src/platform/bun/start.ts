/**
 * How many requests Bun's fetch keeps in flight, 256 where the environment says nothing of it: those to apiservers, of
 * which `mode: request` makes one for each request. 65,535 is the most it takes.
 */
const REQUEST_LIMIT = { name: "BUN_CONFIG_MAX_HTTP_REQUESTS", value: "65336" } as const;

/** Keeps Bun from downloading packages that a module imports and that are not installed. */
export const NO_INSTALL = "--no-install";

/**
 * Makes sure that Bun's fetch is not limited and that Bun installs nothing by itself. Bun reads both at its own start
 * only, before any code of ours: where it was started otherwise, the program begins again in the same process
 * (execve(2)), so that signals and exit codes are as they were. `program` is what follows Bun's own options; left out,
 * the executable itself, which is built with that option in it. Returns where there is nothing to do, or no execve.
 */
export function startAsMeant(program?: string): void {
  const { execArgv, execPath, env } = process;
  const installs = program !== undefined && !execArgv.includes(NO_INSTALL);
  if (process.execve === undefined || (!installs && env[REQUEST_LIMIT.name] !== undefined)) return;
  const own = program === undefined ? [] : [...execArgv.filter((option) => option !== NO_INSTALL), NO_INSTALL, program];
  try {
    process.execve(execPath, [execPath, ...own, ...process.argv.slice(2)], {
      [REQUEST_LIMIT.name]: REQUEST_LIMIT.value,
      ...env,
    });
  } catch {
    // A system that has no execve, or none for us (seccomp): serving with the limit is better than not serving.
  }
}
