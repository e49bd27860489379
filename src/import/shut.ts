import { Commented, commented, type Made, type MadeMapping } from "./document.ts";

/** Turns everybody away: what stood guard before a route is not there. */
export const SHUT: MadeMapping = { ip_restriction: { deny_list: ["0.0.0.0/0", "::/0"] } };

/** The shut door, and what it stands for. */
export const shutFor = (guards: readonly string[]): Made =>
  commented(SHUT, `SHUT: ${guards.join(", ")} could not be carried over; take this out to open the route to everybody`);

/** Whether a list of middleware has the shut door in it. */
export const isShut = (middleware: Made | undefined): boolean =>
  Array.isArray(middleware) && middleware.some((one) => (one instanceof Commented ? one.value : one) === SHUT);
