import { memoize } from "../../base/memoize.ts";

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What ends a line, what ends a text for many readers, and what is no byte (RFC 9110 section 5.5). */
const NOT_A_VALUE = /[\0\r\n\u0100-\uffff]/;

/** A head that would be read as something else than was meant: it must not leave. */
export class UnwritableHead extends Error {
  override name = "UnwritableHead";
}

/** Whether a field may have this name (RFC 9110 section 5.1). */
export const isFieldName: (name: string) => boolean = memoize((name) => TOKEN.test(name));

/** Whether a field may have this value, each of whose characters is a byte. */
export const isFieldValue = (value: string): boolean => !NOT_A_VALUE.test(value);

/** A field line with its CR and LF. Throws `UnwritableHead`: what it would be read as is in doubt. */
export function writtenField(name: string, value: string): string {
  if (!isFieldName(name)) throw new UnwritableHead("a field's name is no token");
  if (!isFieldValue(value)) throw new UnwritableHead(`the field ${name} has a character that cannot be sent`);
  return `${name}: ${value}\r\n`;
}
