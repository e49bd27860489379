import { memoize } from "../base/memoize.ts";

/**
 * Header fields as routes, middleware, balancers and the proxy read and change them: what `Headers` of the fetch standard and
 * `Fields` have in common. Names ignore case; several lines of one name are one value, joined with a comma.
 */
export interface HeaderFields {
  get(name: string): string | null;
  has(name: string): boolean;
  set(name: string, value: string): void;
  append(name: string, value: string): void;
  delete(name: string): void;
  /** Names in lower case. */
  forEach(visit: (value: string, name: string) => void): void;
}

/** A name in lower case: a few names make up nearly all requests. */
export const lowerName: (name: string) => string = memoize((name) => name.toLowerCase());

/**
 * The field lines of a message in the order and the letters they came in (RFC 9110 section 5). Each character of a name and a
 * value is one byte. Nothing is checked here: who reads a message checks what comes, who writes one what leaves.
 */
export class Fields implements HeaderFields {
  readonly #names: string[] = [];
  readonly #lower: string[] = [];
  readonly #values: string[] = [];

  static from(lines: Iterable<readonly [name: string, value: string]>): Fields {
    const fields = new Fields();
    for (const [name, value] of lines) fields.append(name, value);
    return fields;
  }

  /** Adds a line whose name in lower case is known. */
  push(name: string, lower: string, value: string): void {
    this.#names.push(name);
    this.#lower.push(lower);
    this.#values.push(value);
  }

  /** How many lines there are. */
  get size(): number {
    return this.#names.length;
  }

  get(name: string): string | null {
    const wanted = lowerName(name);
    const lower = this.#lower;
    const at = lower.indexOf(wanted);
    if (at === -1) return null;
    let value = this.#values[at]!;
    for (let next = lower.indexOf(wanted, at + 1); next !== -1; next = lower.indexOf(wanted, next + 1)) {
      // Crumbs of a cookie are joined as they would stand in one line (RFC 9113 section 8.2.3).
      value += `${wanted === "cookie" ? "; " : ", "}${this.#values[next]}`;
    }
    return value;
  }

  has(name: string): boolean {
    return this.#lower.includes(lowerName(name));
  }

  /** In the place of the first line of that name, else behind all others. */
  set(name: string, value: string): void {
    const lower = this.#lower;
    const wanted = lowerName(name);
    const at = lower.indexOf(wanted);
    if (at === -1) {
      this.append(name, value);
      return;
    }
    this.#names[at] = name;
    this.#values[at] = value;
    for (let next = lower.indexOf(wanted, at + 1); next !== -1; next = lower.indexOf(wanted, next)) this.#remove(next);
  }

  append(name: string, value: string): void {
    this.push(name, lowerName(name), value);
  }

  delete(name: string): void {
    const wanted = lowerName(name);
    for (let at = this.#lower.indexOf(wanted); at !== -1; at = this.#lower.indexOf(wanted, at)) this.#remove(at);
  }

  forEach(visit: (value: string, name: string) => void): void {
    for (let at = 0; at < this.#lower.length; at++) visit(this.#values[at]!, this.#lower[at]!);
  }

  /** The name of a line, in lower case. */
  lowerAt(at: number): string {
    return this.#lower[at]!;
  }

  /** The value of a line. */
  valueAt(at: number): string {
    return this.#values[at]!;
  }

  /** Takes a line out; those behind it move up. */
  removeAt(at: number): void {
    this.#remove(at);
  }

  /** Each line as it came. */
  forEachLine(visit: (name: string, value: string) => void): void {
    for (let at = 0; at < this.#names.length; at++) visit(this.#names[at]!, this.#values[at]!);
  }

  clone(): Fields {
    const copy = new Fields();
    this.forEachLine((name, value) => copy.append(name, value));
    return copy;
  }

  #remove(at: number): void {
    this.#names.splice(at, 1);
    this.#lower.splice(at, 1);
    this.#values.splice(at, 1);
  }
}

/** As the fetch standard has them: what are `Headers` already are no copy. Throws a `TypeError` for what is none of HTTP's. */
export function headersOf(fields: HeaderFields): Headers {
  if (fields instanceof Headers) return fields;
  const headers = new Headers();
  if (fields instanceof Fields) fields.forEachLine((name, value) => headers.append(name, value));
  else fields.forEach((value, name) => void headers.append(name, value));
  return headers;
}

/** The same fields as lines: what are `Fields` already are no copy. */
export function linesOf(fields: HeaderFields): Fields {
  if (fields instanceof Fields) return fields;
  const lines = new Fields();
  fields.forEach((value, name) => void lines.append(name, value));
  return lines;
}

/** A copy of the same kind, to be changed without changing the other. */
export const copyFields = (fields: HeaderFields): HeaderFields =>
  fields instanceof Fields ? fields.clone() : new Headers(fields as Headers);
