import { Commented, commented, type YamlMapping, type YamlValue } from "./document.ts";

/** Denies every request: for a route whose access control could not be carried over. */
export const DENY_ALL: YamlMapping = { ip_restriction: { deny_list: ["0.0.0.0/0", "::/0"] } };

/** Denies every request, with a comment that says what it stands for. */
export const denyAllFor = (guards: readonly string[]): YamlValue =>
  commented(
    DENY_ALL,
    `SHUT: ${guards.join(", ")} could not be carried over; take this out to open the route to everybody`,
  );

/** Whether a list of middleware denies every request. */
export const deniesAll = (middleware: YamlValue | undefined): boolean =>
  Array.isArray(middleware) && middleware.some((one) => (one instanceof Commented ? one.value : one) === DENY_ALL);
