import { memoize } from "../../base/memoize.ts";
import type { HeaderFields } from "../header-fields.ts";
import { isFieldName, isFieldValue, UnwritableHead } from "../http1/write-fields.ts";

/** What a field means to who writes an answer. */
const ROLE = { plain: 0, invalid: 1, dropped: 2, length: 3, date: 4, connection: 5 } as const;

const ROLES: Readonly<Record<string, number>> = {
  connection: ROLE.connection,
  "content-length": ROLE.length,
  date: ROLE.date,
  "keep-alive": ROLE.dropped,
  "proxy-connection": ROLE.dropped,
  te: ROLE.dropped,
  "transfer-encoding": ROLE.dropped,
  upgrade: ROLE.dropped,
  "sec-websocket-accept": ROLE.dropped,
};

const roleOf: (lower: string) => number = memoize((lower) =>
  isFieldName(lower) ? (ROLES[lower] ?? ROLE.plain) : ROLE.invalid,
);

/** Whether a field can leave, by its name in lower case: what is of one connection of HTTP/1 cannot (RFC 9113 section 8.2.2). */
export const isSendable = (lower: string, value: string): boolean => {
  const role = roleOf(lower);
  return role !== ROLE.invalid && role !== ROLE.dropped && role !== ROLE.connection && isFieldValue(value);
};

const DIGITS = /^[0-9]{1,15}$/;
const CLOSES = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;

/**
 * The field lines of an answer, checked before the first of them is encoded: HPACK's table would remember what then does not
 * leave. One at a time.
 */
class AnswerFields {
  readonly names: string[] = [];
  readonly values: string[] = [];
  /** What `content-length` says. */
  length: number | undefined;
  /** They ask that the connection ends with this answer. */
  closes = false;
  dated = false;
  readonly #visit = (value: string, name: string): void => this.#take(name, value);

  /** Takes these fields; throws `UnwritableHead` for what would be read as another head than was meant. */
  read(fields: HeaderFields): void {
    this.names.length = this.values.length = 0;
    this.length = undefined;
    this.closes = this.dated = false;
    fields.forEach(this.#visit);
  }

  #take(name: string, value: string): void {
    switch (roleOf(name)) {
      case ROLE.plain:
        break;
      case ROLE.date:
        this.dated = true;
        break;
      case ROLE.length:
        if (!DIGITS.test(value) || (this.length !== undefined && this.length !== Number(value))) {
          throw new UnwritableHead("Content-Length is not one number");
        }
        this.length = Number(value);
        // It is written once it is known whether there is a body.
        return;
      case ROLE.connection:
        this.closes ||= CLOSES.test(value);
        return;
      case ROLE.dropped:
        return;
      default:
        throw new UnwritableHead("a field's name is no token");
    }
    if (!isFieldValue(value)) throw new UnwritableHead(`the field ${name} has a character that cannot be sent`);
    this.names.push(name);
    this.values.push(value);
  }
}

/** One serves all connections: nothing else is done between reading fields and writing them. */
export const answerFields: AnswerFields = new AnswerFields();
