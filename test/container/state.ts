import { join } from "node:path";
import process from "node:process";

/** The variables by which run.ts tells the tests where this run keeps its files, and where Debian's root is. */
export const STATE = "PODWAY_CONTAINER_STATE";
export const DEBIAN = "PODWAY_CONTAINER_DEBIAN";

function folder(name: string): string {
  const found = process.env[name];
  if (found === undefined)
    throw new Error("These tests need namespaces of their own: start them with `bun run test:container`");
  return found;
}

/** This run's folder. Outside of run.ts there is none, and that is an error: a skipped test would look like a passed one. */
export const stateFolder = (): string => folder(STATE);
/** A root as debootstrap makes it; not to be written to. */
export const debianRoot = (): string => folder(DEBIAN);
/** The executable that `bun run build` makes of this checkout. */
export const executable = (): string => join(stateFolder(), "podway");
