import { type ConfigIssue, type Path, showPath } from "./issues.ts";
import { HARMLESS, SECRET_NAME } from "./redact.ts";
import type { Source } from "./source.ts";

const isText = (part: string | number | undefined): part is string => typeof part === "string";

/** Middleware that holds public keys, whatever its options are called. */
const PUBLIC_KEYS = "jwk";

/** Whether what stands at a path of the file is a secret by its place or by its name. */
function isSecretPlace(path: Path): boolean {
  const keys = path.filter(isText);
  const [top, second] = keys;
  if (top === "admin") return second === "token";
  if (top === "discovery") return keys.at(-2) === "client" && keys.at(-1) === "token";
  if (top === "tracing") return second === "headers" && SECRET_NAME.test(keys[2] ?? "");
  if (top !== "routes" && top !== "defaults") return false;
  const [name, ...options] = keys.slice(2);
  switch (second) {
    case "middleware":
      return name !== undefined && name !== PUBLIC_KEYS && !HARMLESS.has(name) && options.some(hasSecretName);
    case "headers":
    case "query":
      return hasSecretName(name);
    case "request_headers":
    case "response_headers":
      return name !== "remove" && options.some(hasSecretName);
  }
  return false;
}

const hasSecretName = (name: string | undefined): boolean => name !== undefined && SECRET_NAME.test(name);

/**
 * Secrets that the file holds as they are, where it could name an environment variable: an error that is none while the
 * file is kept like a secret. Each is said at its place, and none is shown.
 */
export function literalSecrets(source: Source): ConfigIssue[] {
  const found: ConfigIssue[] = [];
  const walk = (value: unknown, path: Path): void => {
    if (typeof value === "string" && value !== "") {
      if (!isSecretPlace(path) || source.envOf(path) !== "none") return;
      found.push(source.issue(path, `${showPath(path)} holds a secret as it is: write \${NAME} in its place`));
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) walk(item, [...path, index]);
    } else if (typeof value === "object" && value !== null) {
      for (const [key, item] of Object.entries(value)) walk(item, [...path, key]);
    }
  };
  walk(source.root, []);
  return found;
}
