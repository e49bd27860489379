import type { Input } from "../input.ts";

/** Whether nothing is said: Ocelot takes null, "", {} and [] for its own defaults. */
export const isUnset = ({ exists, raw }: Input): boolean =>
  !exists || raw === null || raw === "" || (typeof raw === "object" && Object.keys(raw as object).length === 0);

/** Takes every value of a file that says nothing. */
export function takeUnset(input: Input): void {
  if (input.exists && input.path.length > 0 && isUnset(input)) input.take();
  for (const item of input.items()) takeUnset(item);
}

/** The first of several inputs that says something; the last where none does. */
export const firstSet = (...inputs: readonly [Input, ...Input[]]): Input =>
  inputs.find((input) => !isUnset(input)) ?? inputs.at(-1)!;

/** Takes a boolean that is false, as a setting without effect here; a true one is declined. */
export function declineTrue(input: Input, reason: string): void {
  if (isUnset(input)) return;
  if (input.boolean() === true) input.decline(reason);
}

/** Takes a number that is zero or less; any other is declined. */
export function declinePositive(input: Input, reason: string): void {
  if (isUnset(input)) return;
  const value = input.number();
  if (value !== undefined && value > 0) input.decline(reason);
}

/** Declines what is there. */
export function declineSet(input: Input, reason: string): void {
  if (!isUnset(input)) input.decline(reason);
}
