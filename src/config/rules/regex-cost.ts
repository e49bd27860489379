/**
 * What a user's regular expression may cost: the runtimes' engines backtrack, and a text that a client chooses can make
 * them do it for long. This is a rule of thumb, for a warning: it may be wrong either way.
 */

/** `square`: time may grow with the square of the text's length; `endless`: it may double with each character. */
export type RegexCost = "square" | "endless";

/** Characters that stand for all there are: a set of them is the bits of one number. */
const SAMPLE: readonly string[] = [...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)), "\n", "é"];
const ALL = (1n << BigInt(SAMPLE.length)) - 1n;

/** A part of an expression that takes characters. */
interface Atom {
  readonly set: bigint;
  /** As often as it likes. */
  readonly loop: boolean;
  readonly optional: boolean;
}

/** More repetitions than this are as good as any number. */
const MANY = 20;

const setOf = (atom: string): bigint => {
  let pattern: RegExp;
  try {
    pattern = new RegExp(`^(?:${atom})$`, "s");
  } catch {
    return ALL;
  }
  return SAMPLE.reduce((set, char, i) => (pattern.test(char) ? set | (1n << BigInt(i)) : set), 0n);
};

/** Whether two loops can share a text in many ways, and what comes then can fail; `again`: the atoms repeat. */
function overlaps(atoms: readonly Atom[], again: boolean): boolean {
  return atoms.some((first, i) => {
    if (!first.loop) return false;
    for (let j = i + 1; j < atoms.length; j++) {
      const atom = atoms[j]!;
      const last = j === atoms.length - 1 && atom.set === ALL && !again;
      if (
        atom.loop &&
        (atom.set & first.set) !== 0n &&
        betweenFits(atoms.slice(i + 1, j), atom.set & first.set) &&
        !last
      ) {
        return true;
      }
    }
    return false;
  });
}

/** What is certain to stand between two loops keeps them apart where the loops cannot take it. */
const betweenFits = (between: readonly Atom[], set: bigint): boolean =>
  between.every((atom) => atom.optional || (atom.set & set) !== 0n);

const TOKEN =
  /\\(?:k<[^>]*>|[pP]\{[^}]*\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[\s\S])|\[(?:\\[\s\S]|[^\]\\])*\]|\(\?(?:[:=!]|<[=!]|<[A-Za-z_$][\w$]*>)|[\s\S]/y;
const QUANTIFIER = /([*+?]|\{(\d+)(,?)(\d*)\})\??/y;

/** The worst that an expression may cost; undefined: nothing that grows faster than the text. */
export function regexCost(source: string): RegexCost | undefined {
  let at = 0;
  let worst: RegexCost | undefined;

  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found !== null) at += found[0].length;
    return found;
  };

  /** How often the part before may come: its least and whether there is no most. */
  function quantity(): { optional: boolean; loop: boolean } {
    const found = next(QUANTIFIER);
    if (found === null) return { optional: false, loop: false };
    const [, sign, least, comma, most] = found;
    if (least === undefined) return { optional: sign !== "+", loop: sign !== "?" };
    const limit = comma === "" ? Number(least) : most === "" ? Number.POSITIVE_INFINITY : Number(most);
    return { optional: Number(least) === 0, loop: limit > MANY && limit !== Number(least) };
  }

  /** Reads alternatives up to the end of a group or of the expression. */
  function alternatives(): Atom[][] {
    const all: Atom[][] = [[]];
    while (at < source.length && source[at] !== ")") {
      if (source[at] === "|") {
        at++;
        all.push([]);
      } else all.at(-1)!.push(...term());
    }
    return all;
  }

  function term(): readonly Atom[] {
    const token = next(TOKEN)![0];
    if (token === "^" || token === "$" || token === "\\b" || token === "\\B") return [];
    if (!token.startsWith("(")) {
      const isReference = /^\\(?:[1-9]|k<)/.test(token);
      return [{ set: isReference ? ALL : setOf(token === "." ? "[^]" : token), ...quantity() }];
    }
    const inner = alternatives();
    at++;
    const { optional, loop } = quantity();
    for (const atoms of inner) if (overlaps(atoms, false)) worst ??= "square";
    // A look around takes nothing.
    if (/^\(\?<?[=!]/.test(token)) return [];
    const empty = inner.some((atoms) => atoms.every((atom) => atom.optional));
    const [only] = inner;
    if (inner.length === 1 && !loop && !optional) return only!;
    if (loop && inner.some((atoms) => overlaps([...atoms, ...atoms], true))) worst = "endless";
    if (loop && inner.length > 1 && sameBeginning(inner)) worst = "endless";
    const set = inner.flat().reduce((union, atom) => union | atom.set, 0n);
    return [{ set, optional: optional || empty, loop: loop || inner.flat().some((atom) => atom.loop) }];
  }

  for (const atoms of alternatives()) if (overlaps(atoms, false)) worst ??= "square";
  return worst;
}

/** Whether two alternatives may begin with the same character. */
function sameBeginning(alternatives: readonly (readonly Atom[])[]): boolean {
  let seen = 0n;
  return alternatives.some(([first]) => {
    const set = first?.set ?? 0n;
    const again = (seen & set) !== 0n;
    seen |= set;
    return again;
  });
}
