const SPACE = 32;
const TAB = 9;

/** White space within a line of HTTP: space and tab alone (RFC 9110 section 5.6.3). */
export const isSpace = (code: number): boolean => code === SPACE || code === TAB;

/** Without the white space around it. Not by an expression: `[ \t]+$` takes a time that grows with the square. */
export function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}
