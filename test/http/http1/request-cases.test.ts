import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { type ReadStream, readStream } from "./read-stream.ts";
import { REQUEST_CASES, type Reading, type RequestCase } from "./request-cases.ts";

/** What was read of a case, told as far as the case speaks of it. */
function told({ reads }: RequestCase, { requests, end }: ReadStream): (Reading | number | "more")[] {
  const readings: (Reading | number | "more")[] = requests.map((request, at) => {
    const expected = reads[at];
    if (typeof expected !== "object") return request;
    return Object.fromEntries(Object.keys(expected).map((key) => [key, request[key as keyof Reading]]));
  });
  if (end !== undefined) readings.push(end === "more" ? end : end.status);
  return readings;
}

/** Where to cut: everywhere in a short one, else near the ends and around the limits. */
function cuts({ length }: string): number[] {
  const all = Array.from({ length: length + 1 }, (_, at) => at);
  return length <= 600 ? all : all.filter((at) => at < 50 || at > length - 50 || at % 997 === 0 || at % 8192 < 3);
}

describe("a request", () => {
  test.each(REQUEST_CASES.map((one) => [one.section, one.what, one] as const))(
    "by RFC section %s: %s",
    (_, __, one) => {
      const whole = readStream([one.bytes]);
      assertEquals(told(one, whole), [...one.reads]);
      for (const at of cuts(one.bytes)) {
        assertEquals(readStream([one.bytes.slice(0, at), one.bytes.slice(at)]), whole, `cut at ${at}`);
      }
      assertEquals(readStream([...one.bytes]), whole, "byte by byte");
    },
  );

  test("has a case for each of many faults, each of its own", () => {
    const malformed = REQUEST_CASES.filter(({ reads }) => typeof reads.at(-1) === "number");
    assert(REQUEST_CASES.length >= 400 && malformed.length >= 250, `${malformed.length} of ${REQUEST_CASES.length}`);
    assertEquals(new Set(REQUEST_CASES.map(({ bytes }) => bytes)).size, REQUEST_CASES.length);
    assertEquals(new Set(REQUEST_CASES.map(({ section, what }) => `${section} ${what}`)).size, REQUEST_CASES.length);
  });
});
