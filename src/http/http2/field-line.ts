/**
 * A field line as HPACK carries it. Lines of the tables are one object for all messages that have them, so what was found
 * out about a line once (`kind`) is known of all.
 */
export interface FieldLine {
  readonly name: string;
  /** A character for each byte. */
  readonly value: string;
  /** What its reader found it to be; 0: it was not looked at yet. */
  kind: number;
}

/** A line that was not looked at yet. */
export const fieldLine = (name: string, value: string): FieldLine => ({ name, value, kind: 0 });

/** What a line counts in tables and lists: its characters and 32 (RFC 7541 section 4.1). */
export const sizeOfLine = (line: FieldLine): number => line.name.length + line.value.length + 32;
