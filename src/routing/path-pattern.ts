/** A piece of a path template: literal text, or a part that a request fills. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  /** One character or more of one segment. */
  | { readonly kind: "segment" }
  /** Any text, slashes too; may be empty. */
  | { readonly kind: "rest" }
  /** At the end: nothing, or a slash and any text; the text alone is the part's value. */
  | { readonly kind: "tail" }
  /** At the end: nothing, or a slash. It has no value. */
  | { readonly kind: "slash" };

/** The values of a path's parts, in their order; undefined: the path does not match. */
export type FindParts = (path: string) => readonly string[] | undefined;

const SLASH = 47;

/** Lower case of the same length: characters whose lower case is longer or shorter stay as they are. */
const folded = (text: string): string => {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  return Array.from(text, (char) => (char.toLowerCase().length === char.length ? char.toLowerCase() : char)).join("");
};

/**
 * Compiles pieces into a matcher of whole paths. Where a path can be divided among parts in several ways, an earlier
 * part gets as much as it can, as in a greedy regular expression; but the time is linear in the path's length, whatever
 * the path: there is no backtracking.
 */
export function compilePattern(pieces: readonly Piece[], ignoreCase: boolean): FindParts {
  const own = pieces
    .filter((piece) => piece.kind !== "text" || piece.text !== "")
    .map((piece) => (piece.kind === "text" && ignoreCase ? { ...piece, text: folded(piece.text) } : piece));
  const find = isPlain(own) ? inOrder(own) : fromTheEnd(own);
  return (path) => find(path, ignoreCase ? folded(path) : path);
}

/** `seen`: the path as texts are compared with it. */
type Find = (path: string, seen: string) => readonly string[] | undefined;

/** Whether each part ends at the next slash or at the path's end: then there is only one way to match a path. */
const isPlain = (pieces: readonly Piece[]): boolean =>
  pieces.every((piece, i) => {
    const next = pieces[i + 1];
    if (piece.kind === "text" || next === undefined) return true;
    const ended = next.kind === "tail" || next.kind === "slash" || (next.kind === "text" && next.text.startsWith("/"));
    return piece.kind === "segment" && ended;
  });

const inOrder =
  (pieces: readonly Piece[]): Find =>
  (path, seen) => {
    const parts: string[] = [];
    let at = 0;
    for (const piece of pieces) {
      if (piece.kind === "text") {
        if (!seen.startsWith(piece.text, at)) return undefined;
        at += piece.text.length;
        continue;
      }
      if (piece.kind === "slash") {
        if (path.charCodeAt(at) === SLASH) at++;
        continue;
      }
      if (piece.kind === "tail" && at < path.length) {
        if (path.charCodeAt(at) !== SLASH) return undefined;
        at++;
      }
      const slash = piece.kind === "segment" ? path.indexOf("/", at) : -1;
      const end = slash === -1 ? path.length : slash;
      if (piece.kind === "segment" && end === at) return undefined;
      parts.push(path.slice(at, end));
      at = end;
    }
    return at === path.length ? parts : undefined;
  };

/**
 * For each piece, from the last to the first, and each position in the path: the furthest end of the piece if it begins
 * there and all that follow match the rest. Then the parts are read off from the beginning.
 */
const fromTheEnd =
  (pieces: readonly Piece[]): Find =>
  (path, seen) => {
    const [first] = pieces;
    if (first?.kind === "text" && !seen.startsWith(first.text)) return undefined;
    const ends: Int32Array[] = [];
    let after: Int32Array | undefined;
    for (let i = pieces.length - 1; i >= 0; i--) {
      after = endsOf(pieces[i]!, seen, after);
      ends[i] = after;
    }
    const parts: string[] = [];
    let at = 0;
    for (const [i, piece] of pieces.entries()) {
      const end = ends[i]![at]!;
      if (end === -1) return undefined;
      if (piece.kind !== "text" && piece.kind !== "slash")
        parts.push(path.slice(piece.kind === "tail" && at < end ? at + 1 : at, end));
      at = end;
    }
    return parts;
  };

/**
 * The furthest end of a piece for each start, -1 for none. `after`: those of the next piece; left out: it is the last.
 */
function endsOf(piece: Piece, seen: string, after: Int32Array | undefined): Int32Array {
  const { length } = seen;
  const fits = (end: number): boolean => (after === undefined ? end === length : after[end] !== -1);
  const ends = new Int32Array(length + 1).fill(-1);
  // The furthest position at which the part may end: in the path, or in the current segment.
  let furthest = -1;
  for (let at = length; at >= 0; at--) {
    if (piece.kind === "text") {
      const end = at + piece.text.length;
      if (end <= length && fits(end) && seen.startsWith(piece.text, at)) ends[at] = end;
    } else if (piece.kind === "slash") {
      if (at === length || (at === length - 1 && seen.charCodeAt(at) === SLASH)) ends[at] = length;
    } else if (piece.kind === "segment") {
      if (seen.charCodeAt(at) === SLASH) furthest = -1;
      else ends[at] = furthest;
      if (furthest === -1 && fits(at)) furthest = at;
    } else if (piece.kind === "rest") {
      if (furthest === -1 && fits(at)) furthest = at;
      ends[at] = furthest;
    } else if (at === length || seen.charCodeAt(at) === SLASH) ends[at] = length;
  }
  return ends;
}
