import { appendFileSync } from "node:fs";
import type { RuntimeName } from "./stage.ts";

/** A line of the matrix, as the runs hand it to the command that writes it. */
export interface Found {
  readonly runtime: RuntimeName;
  readonly kind: "case" | "path";
  readonly name: string;
  readonly found: string;
}

/** The variable that names the file where the lines go, one JSON document each; unset: nowhere. */
export const RESULTS = "PODWAY_RUNTIMES_RESULTS";

/** Hands a line over. */
export function record(line: Found): void {
  const file = process.env[RESULTS];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
}
