import { readFileSync } from "node:fs";
import { join } from "node:path";

/** This runtime and its version, as the columns of the tables name it. */
export const RUNTIME = `Bun ${Bun.version}`;

/** A row of a table: its first cell, and the one in this runtime's column. */
export interface Row {
  readonly name: string;
  readonly here: string;
}

/**
 * The rows of the table under a heading of docs/limits.md: what is promised there is what is tested. Throws where the
 * document has no such table, or no column for this runtime.
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
  const column = cells[0]?.indexOf(RUNTIME) ?? -1;
  if (column === -1) throw new Error(`The table under ${heading} of docs/limits.md has no column for ${RUNTIME}`);
  return cells.slice(1).map((row) => ({ name: row[0]!, here: row[column]! }));
}

/** The bytes (Latin-1) that a code span stands for: `\xe9` is one byte, `{a*100}` is a hundred of the same. */
export function bytesOf(cell: string): string {
  return cell
    .replace(/^`+ ?| ?`+$/g, "")
    .replace(/\{(.)\*(\d+)\}/g, (_, letter: string, times: string) => letter.repeat(Number(times)))
    .replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
