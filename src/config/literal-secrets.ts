import type { ConfigDocument } from "./document.ts";
import { type ConfigIssue, showPath } from "./issues.ts";
import type { FileFormat } from "./schema.ts";
import { hiddenPlaces } from "./shown.ts";

/**
 * What the file holds as it is and may be a secret, where it could name an environment variable: an error that is none
 * while the file is kept like a secret. Each is said at its place, and none is shown.
 */
export const literalSecrets = (format: FileFormat, document: ConfigDocument): ConfigIssue[] =>
  hiddenPlaces(format.file, document.root)
    .filter((path) => document.envOf(path) === "none")
    .map((path) =>
      document.issue(
        path,
        `${showPath(path)} holds a secret as it is, or what may be one: write \${NAME} in its place`,
      ),
    );
