import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compilePattern, type Piece } from "../../src/routing/path-pattern.ts";

/** Every way to share a path among pieces, the earlier ones taking as much as they can first: slow, and plain to see. */
function naive(pieces: readonly Piece[], path: string): string[] | undefined {
  const [piece, ...more] = pieces;
  if (piece === undefined) return path === "" ? [] : undefined;
  if (piece.kind === "text")
    return path.startsWith(piece.text) ? naive(more, path.slice(piece.text.length)) : undefined;
  if (piece.kind === "tail") return path === "" ? [""] : path.startsWith("/") ? [path.slice(1)] : undefined;
  for (let end = path.length; end >= 0; end--) {
    const part = path.slice(0, end);
    if (piece.kind === "segment" && (part === "" || part.includes("/"))) continue;
    const rest = naive(more, path.slice(end));
    if (rest !== undefined) return [part, ...rest];
  }
  return undefined;
}

const text = fc.stringMatching(/^[ab/-]{0,3}$/);
const piece: fc.Arbitrary<Piece> = fc.oneof(
  text.map((made): Piece => ({ kind: "text", text: made })),
  fc.constant<Piece>({ kind: "segment" }),
  fc.constant<Piece>({ kind: "rest" }),
);
const pieces = fc
  .tuple(fc.array(piece, { maxLength: 6 }), fc.boolean())
  .map(([some, tail]): Piece[] => (tail ? [...some, { kind: "tail" }] : some));

describe("a path template", () => {
  test("takes the paths, and the parts of them, that trying every way gives", () => {
    fc.assert(
      fc.property(pieces, fc.stringMatching(/^[abAB/-]{0,9}$/), (some, path) => {
        assertEquals(compilePattern(some, false)(path), naive(some, path));
        // In any case: as both in lower case, with the parts as they were sent.
        const any = compilePattern(some, true)(path);
        assertEquals(
          any?.map((part) => part.toLowerCase()),
          naive(some, path.toLowerCase()),
        );
        let at = 0;
        for (const part of any ?? []) {
          const found = path.indexOf(part, at);
          assert(found !== -1);
          at = found + part.length;
        }
      }),
      { numRuns: 5000 },
    );
  });

  // Some of these would take a backtracking matcher longer than the universe lasts.
  test("reads 8 kB that nearly match, whatever it is made of", () => {
    const segment: Piece = { kind: "segment" };
    const rest: Piece = { kind: "rest" };
    const between = (part: Piece, literal: string, times: number): Piece[] =>
      Array.from({ length: times }, (): Piece[] => [part, { kind: "text", text: literal }]).flat();
    for (const part of [segment, rest]) {
      const some = [
        { kind: "text", text: "/v/" } as const,
        ...between(part, "-", 12),
        { kind: "text", text: "/x" } as const,
      ];
      const find = compilePattern(some, false);
      assertEquals(find(`/v/${"-".repeat(8000)}`), undefined);
      assertEquals(find(`/v/${"-a".repeat(4000)}-/x`)?.length, 12);
    }
  });
});
