import { type ConfigIssue, showPath } from "./issues.ts";
import { fileSchema } from "./schema.ts";
import { eachHidden } from "./shown.ts";
import type { Source } from "./source.ts";

/**
 * What the file holds as it is and may be a secret, where it could name an environment variable: an error that is none
 * while the file is kept like a secret. Each is said at its place, and none is shown.
 */
export function literalSecrets(source: Source): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  eachHidden(fileSchema, source.root, (path) => {
    if (source.envOf(path) !== "none") return;
    issues.push(
      source.issue(path, `${showPath(path)} holds a secret as it is, or what may be one: write \${NAME} in its place`),
    );
  });
  return issues;
}
