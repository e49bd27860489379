/** A line on a terminal that tells how far long work is. It is never in a file, a pipe or a log. */
export interface Progress {
  /** Shows this in place of what was shown; what is on the screen is renewed at most ten times a second. */
  show(text: string): void;
  /** Has `write` print its lines where the line of progress stands, which comes back with the next `show`. */
  around(write: () => void): void;
  /** Erases the line, and shows nothing more. */
  end(): void;
}

/** What progress needs of the process. */
export interface ProgressOptions {
  /** Whether `write` goes to a terminal. */
  readonly terminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Raw text to standard error. */
  write(text: string): void;
  /** Milliseconds. */
  now(): number;
  /** Characters of a line; a longer text would not be erased by one. @default 80 */
  readonly columns?: (() => number | undefined) | undefined;
  /** Milliseconds: work that is over by then needs no word. @default 300 */
  readonly after?: number | undefined;
}

const LONG_MS = 300;
const REDRAW_MS = 100;

const silent: Progress = { show() {}, around: (write) => write(), end() {} };

/**
 * Makes the line; a silent one where standard error is no terminal, or one that cannot erase (`TERM=dumb`). With
 * `NO_COLOR` (https://no-color.org) it does without escape sequences: it is overwritten with spaces.
 */
export function createProgress(options: ProgressOptions): Progress {
  const { terminal, env, write, now, columns, after = LONG_MS } = options;
  if (!terminal || env.TERM === "dumb") return silent;
  const plain = env.NO_COLOR !== undefined && env.NO_COLOR !== "";
  const began = now();
  let drawn = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let ended = false;

  function erase(): void {
    if (drawn > 0) write(plain ? `\r${" ".repeat(drawn)}\r` : "\r\x1b[2K");
    drawn = 0;
  }

  return {
    show(text) {
      const time = now();
      if (ended || time - began < after || time - drawnAt < REDRAW_MS) return;
      drawnAt = time;
      erase();
      // The last column stays free: some terminals begin a new line when it is written.
      // A terminal that does not know its width says 0.
      const line = text.replace(/\s+/g, " ").slice(0, (columns?.() || 80) - 1);
      write(line);
      drawn = line.length;
    },
    around(print) {
      erase();
      // What comes next may follow at once: the line would be missed.
      drawnAt = Number.NEGATIVE_INFINITY;
      print();
    },
    end() {
      ended = true;
      erase();
    },
  };
}
