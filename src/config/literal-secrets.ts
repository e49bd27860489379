import { type ConfigIssue, showPath } from "./issues.ts";
import type { FileFormat } from "./schema.ts";
import { hiddenPlaces } from "./shown.ts";
import type { ConfigDocument } from "./source.ts";

/**
 * What the file holds as it is and may be a secret, where it could name an environment variable: an error that is none
 * while the file is kept like a secret. Each is said at its place, and none is shown.
 */
export const literalSecrets = (format: FileFormat, source: ConfigDocument): ConfigIssue[] =>
  hiddenPlaces(format.file, source.root)
    .filter((path) => source.envOf(path) === "none")
    .map((path) =>
      source.issue(path, `${showPath(path)} holds a secret as it is, or what may be one: write \${NAME} in its place`),
    );
