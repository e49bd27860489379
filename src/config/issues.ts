/** One thing to say about a config. Never holds a secret. */
export interface ConfigIssue {
  /** The file's name, or where values come from that stand in none. */
  readonly file: string;
  /** From 1; 0 where no file is. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** Where in the file's structure, such as `routes[2].service`; "" for the file itself. */
  readonly path: string;
  /** A whole sentence that begins with the path, where there is one. */
  readonly message: string;
}

/** One line for people: `gateway.yaml:12:7: routes[2].service must be …`. */
export const formatIssue = ({ file, line, column, message }: ConfigIssue): string =>
  line === 0 ? `${file}: ${message}` : `${file}:${line}:${column}: ${message}`;

/** Keys and indexes from the top of the file to a value. */
export type Path = readonly (string | number)[];

/**
 * A key or name as it may be shown. What looks more like a credential than like a name (long, with digits in it) is
 * described instead: people do paste a token where a key should be.
 */
export function showName(name: string): string {
  const plain = /^[\w.$*-]{1,40}$/.test(name) && (name.length <= 20 || !/[0-9]/.test(name));
  return plain ? name : `(a name of ${name.length} characters)`;
}

/** A name for a message: in quotes, or described where it could be a secret. */
export const quoteName = (name: string): string => (showName(name) === name ? JSON.stringify(name) : showName(name));

/** `routes[2].service`; `discovery.kubernetes[0]`; names that could be a secret are described. */
export function showPath(path: Path): string {
  return path.reduce<string>((shown, part) => {
    if (typeof part === "number") return `${shown}[${part}]`;
    return shown === "" ? showName(part) : `${shown}.${showName(part)}`;
  }, "");
}

/** Steps between two words: characters added, left out, changed, or two neighbours swapped. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : change;
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, change, swap));
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}

/** camelCase, kebab-case and snake_case are the same word. */
const flat = (word: string): string => word.toLowerCase().replace(/[-_ ]/g, "");

/** The known word that was most likely meant, if one is close. */
export function nearestKey(word: string, known: readonly string[]): string | undefined {
  if (word.length > 40) return undefined;
  const ranked = known
    .map((candidate) => ({ candidate, steps: distance(flat(word), flat(candidate)) }))
    .sort((a, b) => a.steps - b.steps);
  const best = ranked[0];
  return best && best.steps <= Math.max(1, Math.floor(flat(best.candidate).length / 3)) ? best.candidate : undefined;
}
