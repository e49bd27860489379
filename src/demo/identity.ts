import type { Random } from "../base/clock.ts";

const HEX = "0123456789abcdef";

/** A random (version 4) UUID, as `metadata.uid`. */
export function uuid(random: Random): string {
  const digit = (from: string): string => from[Math.floor(random() * from.length)]!;
  return "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".replace(/[xy]/g, (place) => digit(place === "x" ? HEX : "89ab"));
}

/** A time as metadata has it: whole seconds. */
export const isoSeconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
