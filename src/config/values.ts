import * as v from "valibot";

/**
 * The small value types of the config file. Every message completes the sentence "PATH must be …" and never holds the
 * value that was found: it may be a secret.
 */

/** A string with at least one character. */
export const nonEmpty = v.pipe(v.string(), v.nonEmpty("a text that is not empty"));

/** A whole number from `min` to `max`. */
export const integer = (min: number, max: number = Number.MAX_SAFE_INTEGER) => {
  const wanted =
    max === Number.MAX_SAFE_INTEGER ? `a whole number, ${min} or more` : `a whole number from ${min} to ${max}`;
  return v.pipe(v.number(wanted), v.integer(wanted), v.minValue(min, wanted), v.maxValue(max, wanted));
};

/** Milliseconds, 0 or more. */
export const milliseconds = integer(0, 2_147_483_647);

/** A TCP port as a number or, as APISIX writes it, digits in a string. */
export const port = v.union(
  [
    integer(1, 65_535),
    v.pipe(
      v.string(),
      v.regex(/^[0-9]{1,5}$/),
      v.transform(Number),
      v.check((n) => n >= 1 && n <= 65_535),
    ),
  ],
  "a port from 1 to 65535",
);

const compiles = (source: string): boolean => {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
};

/** The source of a regular expression that compiles. */
export const regexSource = v.pipe(nonEmpty, v.check(compiles, "a valid regular expression"));
