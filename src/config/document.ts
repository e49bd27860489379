import { type ConfigIssue, type Path, showPath } from "./issues.ts";

/** What environment variables made of a value: nothing, a part of it, or all of it. What they made is never shown. */
export type Origin = "none" | "part" | "whole";

/**
 * A config as it was written: plain values, and where each of them stands. All checks go by this, so that they hold for
 * what is in a file and for what another program hands over.
 */
export interface ConfigDocument {
  /** The whole config, environment variables put in; undefined for an empty file. */
  readonly root: unknown;
  /** What was wrong with the text itself; the values above are then incomplete. */
  readonly issues: readonly ConfigIssue[];
  /** Places, as issues have them, of texts whose variables could not be put in. */
  readonly unset: ReadonlySet<string>;
  /** A fault at a value: at its key for `at: "key"`; the nearest place there is when the path does not exist. */
  issue(path: Path, message: string, at?: "key" | "value"): ConfigIssue;
  /** How the value at a path came about. */
  envOf(path: Path): Origin;
  /** Puts another value in the place of one. */
  replace(path: Path, value: unknown): void;
}

/** Values that stand in no file: faults name their path alone. `named`: where they come from, for messages. */
export function valuesDocument(named: string, root: unknown): ConfigDocument {
  return {
    root,
    issues: [],
    unset: new Set(),
    issue: (path, message) => ({ file: named, line: 0, column: 0, path: showPath(path), message }),
    envOf: () => "none",
    // Only what a variable made is read again.
    replace: () => {},
  };
}
