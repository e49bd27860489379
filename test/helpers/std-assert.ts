/**
 * The names of JSR's `@std/assert` that our tests use, over `node:assert`.
 *
 * Tests import from "@std/assert"; tsconfig.json (`paths`) and deno.json (`imports`) map that specifier to this file,
 * because JSR is not reachable from every machine this project is built on. Using the real package is a change of
 * those two lines.
 */
import assertModule from "node:assert/strict";

/** A failed assertion. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/** Fails unless `value` is truthy. */
export function assert(value: unknown, message = "Expected a truthy value"): asserts value {
  if (!value) throw new AssertionError(message);
}

/** Fails unless both are deeply, strictly equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  assertModule.deepStrictEqual(actual, expected, message as string);
}

/** Fails when both are deeply, strictly equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  assertModule.notDeepStrictEqual(actual, expected, message as string);
}

/** Fails unless `Object.is(actual, expected)`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T {
  assertModule.strictEqual(actual, expected, message as string);
}

/** Fails when `Object.is(actual, expected)`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, message?: string): void {
  assertModule.notStrictEqual(actual, expected, message as string);
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  assert(
    actual.includes(expected),
    message ?? `Expected ${JSON.stringify(actual)} to contain ${JSON.stringify(expected)}`,
  );
}

/** Fails unless `actual` matches. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  assertModule.match(actual, expected, message as string);
}

/** Fails when `actual` matches. */
export function assertNotMatch(actual: string, expected: RegExp, message?: string): void {
  assertModule.doesNotMatch(actual, expected, message as string);
}

/** Fails when `actual` is null or undefined. */
export function assertExists<T>(actual: T, message = "Expected a value"): asserts actual is NonNullable<T> {
  assert(actual !== null && actual !== undefined, message);
}

// biome-ignore lint/suspicious/noExplicitAny: any constructor may be asked for, as in @std/assert
type Constructor<T> = abstract new (...args: any[]) => T;

/** Fails unless `actual instanceof expected`. */
export function assertInstanceOf<T>(actual: unknown, expected: Constructor<T>, message?: string): asserts actual is T {
  assert(actual instanceof expected, message ?? `Expected an instance of ${expected.name}`);
}

/** Fails unless every expected value is an element of `actual` (deep equality). */
export function assertArrayIncludes<T>(actual: readonly T[], expected: readonly T[], message?: string): void {
  for (const item of expected) {
    const found = actual.some((candidate) => {
      try {
        assertModule.deepStrictEqual(candidate, item);
        return true;
      } catch {
        return false;
      }
    });
    assert(found, message ?? `Expected ${JSON.stringify(actual)} to include ${JSON.stringify(item)}`);
  }
}

/** Fails unless `expected`'s keys have the same values in `actual`, at every depth. */
export function assertObjectMatch(actual: object, expected: object, message?: string): void {
  const pick = (from: unknown, like: unknown): unknown => {
    if (like === null || typeof like !== "object" || from === null || typeof from !== "object") return from;
    if (Array.isArray(like)) return Array.isArray(from) ? from.map((item, i) => pick(item, like[i])) : from;
    const entries = Object.keys(like).filter((key) => key in from);
    return Object.fromEntries(
      entries.map((key) => [key, pick((from as Record<string, unknown>)[key], (like as Record<string, unknown>)[key])]),
    );
  };
  assertModule.deepStrictEqual(pick(actual, expected), expected, message as string);
}

/** Fails unless `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void {
  assert(actual > expected, message ?? `Expected ${actual} > ${expected}`);
}

/** Fails unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void {
  assert(actual >= expected, message ?? `Expected ${actual} >= ${expected}`);
}

/** Fails unless `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, message?: string): void {
  assert(actual < expected, message ?? `Expected ${actual} < ${expected}`);
}

/** Fails unless `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void {
  assert(actual <= expected, message ?? `Expected ${actual} <= ${expected}`);
}

function checkError(error: unknown, type?: Constructor<Error>, includes?: string): Error {
  assertInstanceOf(error, type ?? Error, `Expected ${type?.name ?? "Error"}, got ${String(error)}`);
  if (includes !== undefined) assertStringIncludes(error.message, includes);
  return error;
}

/** Fails unless `fn` throws (an instance of `type` whose message contains `includes`); returns the error. */
export function assertThrows(fn: () => unknown, type?: Constructor<Error>, includes?: string): Error {
  try {
    fn();
  } catch (error) {
    return checkError(error, type, includes);
  }
  throw new AssertionError("Expected the function to throw");
}

/** Fails unless the promise of `fn` rejects (with an instance of `type` whose message contains `includes`). */
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  type?: Constructor<Error>,
  includes?: string,
): Promise<Error> {
  try {
    await fn();
  } catch (error) {
    return checkError(error, type, includes);
  }
  throw new AssertionError("Expected the promise to reject");
}

/** Fails always. */
export function fail(message = "Failed"): never {
  throw new AssertionError(message);
}
