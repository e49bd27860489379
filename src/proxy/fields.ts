/** Request fields that the gateway acts on, each with a bit of its own, so that a set of them is one number. */
const FIELDS = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "proxy-authorization",
  "expect",
  "http2-settings",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-server",
  "forwarded",
  "content-type",
  "content-length",
  "x-request-id",
] as const;

/** The name of a field the gateway acts on. */
export type Field = (typeof FIELDS)[number];

/** The bit of each, by its name in lower case. */
export const FIELD_BITS: ReadonlyMap<string, number> = new Map(FIELDS.map((name, i) => [name, 1 << i]));

/** Every field: what has to be assumed of headers that nobody went through. */
export const ANY_FIELD = -1;

/** The set of these fields. */
export const fieldBits = (...names: readonly Field[]): number =>
  names.reduce((set, name) => set | FIELD_BITS.get(name)!, 0);

/** Whether one of a set of fields may have been sent: true also where nobody knows. */
export const mayHave = ({ fields }: { readonly fields?: number | undefined }, set: number): boolean =>
  fields === undefined || (fields & set) !== 0;
