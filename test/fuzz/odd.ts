import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { endpointSliceDecoder } from "../../src/discovery/records/endpoint-slices.ts";
import type { SliceRecord } from "../../src/discovery/records/slice-record.ts";
import { playOdd } from "./odd-cluster.ts";
import { oddAnswer, oddLine, oddObject, type Resource } from "./odd-objects.ts";

const RESOURCES: readonly Resource[] = ["endpointslices", "endpointslices", "endpoints", "services"];

/** Objects that one cluster is given, in its list and in its watch. */
const BATCH = 40;

const decode = endpointSliceDecoder({ keepNamespace: (namespace) => namespace !== "team-c" });
const encoder = new TextEncoder();

function decoded(text: string): { record: SliceRecord | undefined } | { error: string } {
  try {
    return { record: decode(JSON.parse(text)) };
  } catch (error) {
    return { error: String(error) };
  }
}

/** How many were read from their bytes: a generator whose objects are all too odd for that compares nothing. */
export interface OddResult {
  readonly objects: number;
  readonly fromBytes: number;
  readonly seconds: number;
}

/**
 * So many odd objects through both readers, and through running clusters. Rejects with the smallest case it finds, its
 * seed and its path.
 */
export async function tryOdd({ objects, seed }: { objects: number; seed: number }): Promise<OddResult> {
  const began = performance.now();
  let fromBytes = 0;
  fc.assert(
    fc.property(oddObject("endpointslices"), ({ compact }) => {
      const bytes = encoder.encode(compact);
      const read = decode.fromBytes!(bytes, 0);
      if (read === undefined || read.end !== bytes.length) return;
      fromBytes++;
      assertEquals({ record: read.item }, decoded(compact));
    }),
    { numRuns: objects, seed },
  );
  // A play that fails takes seconds to say so: it is shown as it is, not made smaller.
  const play = fc.constantFrom(...RESOURCES).chain((resource) =>
    fc.record({
      resource: fc.constant(resource),
      answers: fc.array(oddAnswer, { maxLength: 2 }),
      objects: fc.array(oddObject(resource), { minLength: BATCH / 2, maxLength: BATCH / 2 }),
      lines: fc.array(oddLine(resource), { minLength: BATCH / 2, maxLength: BATCH / 2 }),
      streams: fc.boolean(),
    }),
  );
  await fc.assert(fc.asyncProperty(play, playOdd), { numRuns: Math.ceil(objects / BATCH), seed, endOnFailure: true });
  return { objects, fromBytes, seconds: (performance.now() - began) / 1000 };
}
