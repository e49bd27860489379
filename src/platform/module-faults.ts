/** What Bun says of a module that it cannot build or find. */
interface BunFault {
  readonly message: string;
  readonly position?: { readonly file: string; readonly line: number; readonly column: number } | null;
}

interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column?: number | undefined;
}

/** More of these tell nothing new. */
const MAX_FAULTS = 5;
/** Characters of a line that are shown. */
const MAX_TEXT = 80;

// biome-ignore lint/suspicious/noControlCharactersInRegex: colors of a terminal begin with one
const COLORS = /\u001b\[[0-9;]*m/g;

/** Without what the runtime and the loader add to a file's name. */
const plain = (text: string): string =>
  text
    .replace(COLORS, "")
    .replace(/\?podway=\d+/g, "")
    .replaceAll("file://", "");

/** Places in a message or a stack. */
const PLACES = /(\/[^\s()'"]+?):(\d+):(\d+)/g;

function placeIn(text: string, files: ReadonlyMap<string, string>): Place | undefined {
  for (const [, file, line, column] of plain(text).matchAll(PLACES)) {
    if (files.has(file!)) return { file: file!, line: Number(line), column: Number(column) };
  }
  return undefined;
}

/**
 * The first line that imports or exports what the message names in quotes: an import of what is not there has no place
 * on Bun.
 */
function placeOfNamed(message: string, files: ReadonlyMap<string, string>): Place | undefined {
  const names = [...message.matchAll(/["']([^"']+)["']/g)].map(([, name]) => name!);
  for (const name of names) {
    for (const [file, text] of files) {
      const at = text
        .split("\n")
        .findIndex((line) => /\b(?:import|export|from|require)\b/.test(line) && hasWord(line, name));
      if (at >= 0) return { file, line: at + 1 };
    }
  }
  return undefined;
}

const hasWord = (line: string, word: string): boolean => line.split(/[\s{},()"';]+/).some((one) => one === word);

/** A line without its texts, which may be secrets. */
function shown(line: string): string {
  const masked = line.trim().replace(/(["'`])(?:\\.|(?!\1).)*(?:\1|$)/g, "$1…$1");
  return masked.length > MAX_TEXT ? `${masked.slice(0, MAX_TEXT)}…` : masked;
}

function describeOne(error: unknown, entry: string, files: ReadonlyMap<string, string>): string {
  const fault = (typeof error === "object" && error !== null ? error : { message: String(error) }) as BunFault;
  const message = plain(String(fault.message));
  const { position } = fault;
  const stack = (error as { stack?: unknown } | null | undefined)?.stack;
  const place: Place | undefined =
    (position ? { ...position, file: plain(position.file) } : undefined) ??
    placeIn(message, files) ??
    (typeof stack === "string" ? placeIn(stack, files) : undefined) ??
    placeOfNamed(message, files);
  const words = message.split("\n", 1)[0]!.replace(/ at \/\S+:\d+:\d+$/, "");
  if (place === undefined) return `${entry}: ${words}`;
  const { file, line, column } = place;
  const text = shown(files.get(file)?.split("\n")[line - 1] ?? "");
  const where = column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
  return text === "" ? `${where}: ${words}` : `${where}: ${words}: ${text}`;
}

/**
 * A fault of a module: file, line, what is wrong and the line's text (without the texts in it, which may be
 * secrets). `files`: those the module is made of, with what they hold.
 */
export function describeFault(error: unknown, entry: string, files: ReadonlyMap<string, string>): string {
  const { errors } = Object(error) as { errors?: unknown };
  const all: unknown[] = Array.isArray(errors) && errors.length > 0 ? errors.slice(0, MAX_FAULTS) : [error];
  return all.map((one) => describeOne(one, entry, files)).join("; ");
}
