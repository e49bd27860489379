import { memoize } from "../../base/memoize.ts";
import { Fields, type HeaderFields } from "../header-fields.ts";
import { reasonPhrase } from "../reason-phrases.ts";
import { allowedTrailers } from "../trailers.ts";
import { isFieldName, isFieldValue, UnwritableHead, writtenField } from "./write-fields.ts";

/** What a field means to who writes an answer. */
const ROLE = { plain: 0, invalid: 1, connection: 2, length: 3, oneHop: 4, upgrade: 5, date: 6 } as const;

const ROLES: Readonly<Record<string, number>> = {
  connection: ROLE.connection,
  "content-length": ROLE.length,
  date: ROLE.date,
  "keep-alive": ROLE.oneHop,
  "proxy-connection": ROLE.oneHop,
  te: ROLE.oneHop,
  "transfer-encoding": ROLE.oneHop,
  upgrade: ROLE.upgrade,
};

/** By the name as it is written. */
const roleOf: (name: string) => number = memoize((name) =>
  isFieldName(name) ? (ROLES[name.toLowerCase()] ?? ROLE.plain) : ROLE.invalid,
);

const DIGITS = /^[0-9]{1,15}$/;
const CLOSES = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;

/** No length is written. */
export const NO_LENGTH = -1;
/** The length that is given is written. */
export const LENGTH_AS_GIVEN = -2;

const UPGRADE_REQUIRED = 426;

/**
 * Writes heads of answers (RFC 9112 section 4), one at a time: first their fields, which say how the answer is to be
 * framed, then all of it. What frames a message and what is good for one hop only is written as the connection has it,
 * whatever the fields say.
 */
class AnswerHead {
  /** The length that was written; `NO_LENGTH`: none was. */
  length = NO_LENGTH;
  /** The fields ask that the connection ends with this answer. */
  closes = false;
  #start = "";
  #lines = "";
  #dated = false;
  #wanted = NO_LENGTH;
  #status = 0;
  readonly #visitLine = (name: string, value: string): void => this.#field(name, value);
  readonly #visitField = (value: string, name: string): void => this.#field(name, value);

  /**
   * Takes status and fields. `length`: of the body, whatever the fields say; `NO_LENGTH`, or `LENGTH_AS_GIVEN`. Throws
   * `UnwritableHead` for what would be read as another head than was meant.
   */
  begin(status: number, statusText: string, fields: HeaderFields, length: number): void {
    if (!(status >= 100 && status <= 599 && Number.isInteger(status))) {
      throw new UnwritableHead(`the status ${status} is none of HTTP's`);
    }
    const phrase = statusText === "" ? reasonPhrase(status) : statusText;
    if (!isFieldValue(phrase)) throw new UnwritableHead("the reason phrase has a character that cannot be sent");
    this.#start = `HTTP/1.1 ${status} ${phrase}\r\n`;
    this.#lines = "";
    this.#dated = this.closes = false;
    this.#wanted = length;
    this.#status = status;
    this.length = NO_LENGTH;
    if (fields instanceof Fields) fields.forEachLine(this.#visitLine);
    else fields.forEach(this.#visitField);
    if (length >= 0 && this.length === NO_LENGTH) this.#writeLength("Content-Length", length);
  }

  /** The head. `more`: lines of the connection's own. `date`: written where the fields have none; "": never. */
  finish(more: string, date: string): string {
    const dated = date === "" || this.#dated ? "" : `Date: ${date}\r\n`;
    const text = `${this.#start}${this.#lines}${dated}${more}\r\n`;
    this.#start = this.#lines = "";
    return text;
  }

  #field(name: string, value: string): void {
    switch (roleOf(name)) {
      case ROLE.plain:
        break;
      case ROLE.date:
        this.#dated = true;
        break;
      case ROLE.connection:
        this.closes ||= CLOSES.test(value);
        return;
      case ROLE.length:
        this.#takeLength(name, value);
        return;
      case ROLE.upgrade:
        // A 426 has to say what it wants (RFC 9110 section 15.5.22); elsewhere it would be an offer that no one keeps.
        if (this.#status === UPGRADE_REQUIRED) this.#lines += "Connection: Upgrade\r\n";
        else if (this.#status !== 101) return;
        break;
      case ROLE.oneHop:
        return;
      default:
        throw new UnwritableHead("a field's name is no token");
    }
    if (!isFieldValue(value)) throw new UnwritableHead(`the field ${name} has a character that cannot be sent`);
    this.#lines += `${name}: ${value}\r\n`;
  }

  #takeLength(name: string, value: string): void {
    if (this.#wanted === NO_LENGTH) return;
    let length = this.#wanted;
    if (length === LENGTH_AS_GIVEN) {
      if (!DIGITS.test(value)) throw new UnwritableHead("Content-Length is not one number");
      length = Number(value);
    }
    if (this.length === NO_LENGTH) this.#writeLength(name, length);
    else if (this.length !== length) throw new UnwritableHead("Content-Length is not one number");
  }

  #writeLength(name: string, length: number): void {
    this.length = length;
    this.#lines += `${name}: ${length}\r\n`;
  }
}

/** One serves all connections: no head is begun before the one before it is finished. */
export const answerHead: AnswerHead = new AnswerHead();

/** The lines behind the last chunk (RFC 9112 section 7.1.2): what may not stand there, or cannot be sent, is left out. */
export function trailerLines(trailers: Fields | undefined): string {
  let lines = "";
  allowedTrailers(trailers)?.forEachLine((name, value) => {
    if (isFieldName(name) && isFieldValue(value)) lines += writtenField(name, value);
  });
  return lines;
}
