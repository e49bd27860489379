import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A row of a table: what is sent, and what becomes of it. */
export interface Row {
  readonly name: string;
  readonly here: string;
}

/**
 * The rows of the table under a heading of docs/limits.md: what is promised there is what is tested. Throws where the
 * document has no such table.
 */
export function limitsTable(heading: string): Row[] {
  const text = readFileSync(join(import.meta.dir, "../../docs/limits.md"), "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/limits.md has no section ${heading}`);
  const lines = section.split("\n").filter((line) => line.startsWith("| "));
  const cells = lines.map((line) =>
    line
      .slice(2, -2)
      .split(/(?<!\\) \| /)
      .map((cell) => cell.trim().replaceAll("\\|", "|")),
  );
  if (cells.length < 2) throw new Error(`docs/limits.md has no table under ${heading}`);
  return cells.slice(1).map((row) => ({ name: row[0]!, here: row[1]! }));
}

/** The bytes (Latin-1) that a code span stands for: `\xe9` is one byte, `{a*100}` is a hundred of the same. */
export function bytesOf(cell: string): string {
  return cell
    .replace(/^`+ ?| ?`+$/g, "")
    .replace(/\{(.)\*(\d+)\}/g, (_, letter: string, times: string) => letter.repeat(Number(times)))
    .replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
