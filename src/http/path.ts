/**
 * How paths are compared: percent-decoded once, segment by segment, so that two spellings of one path match alike
 * (RFC 3986 section 6.2.2), and no escape ever makes or removes a segment boundary.
 */

const HEX = "[0-9A-Fa-f]";

/** Escapes that are decoded for matching: all but an encoded slash, and what decoding once would make look like one. */
const MATCHED_ESCAPES = new RegExp(`(?:%(?!2[fF]|252[fF])${HEX}{2})+`, "g");

/**
 * Escapes that are decoded before a path is rewritten: all but those of reserved characters (RFC 3986 section 2.2)
 * and of `%`, whose decoding could not be undone when the result is encoded again.
 */
const REWRITTEN_ESCAPES = new RegExp(`(?:%(?!2[13-9A-CFa-cf]|3[ABDFabdf]|40|5[BDbd])${HEX}{2})+`, "g");

/** One character's escapes in UTF-8: one to four bytes. */
const ONE_CHARACTER = new RegExp(
  `%[0-7]${HEX}|%[CDcd]${HEX}%[89ABab]${HEX}|%[Ee]${HEX}(?:%[89ABab]${HEX}){2}|%[Ff][0-7](?:%[89ABab]${HEX}){3}`,
  "g",
);

const decodeOr = (text: string, otherwise: (text: string) => string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return otherwise(text);
  }
};

const keep = (text: string): string => text;
/** A run with a byte that is no UTF-8 in it: the good characters are decoded, the rest stays. */
const decodeGood = (run: string): string => run.replace(ONE_CHARACTER, (text) => decodeOr(text, keep));
const decodeRun = (run: string): string => decodeOr(run, decodeGood);

/**
 * The form of a path that rules are compared with. Escapes are decoded once; `%2F` stays (in upper case), so `/a%2Fb`
 * is one segment and never matches `/a/b`; `%252F` stays too, so that `%2F` here always means an encoded slash. Escapes
 * that are malformed or no UTF-8 stay as they are.
 */
export function decodePath(path: string): string {
  if (path.indexOf("%") === -1) return path;
  return path.replace(MATCHED_ESCAPES, decodeRun).replace(/%2f/g, "%2F");
}

/** As `decodePath`, but reserved characters and `%` stay escaped: `encodePath` leads back to an equivalent path. */
export function decodeForRewrite(path: string): string {
  return path.indexOf("%") === -1 ? path : path.replace(REWRITTEN_ESCAPES, decodeRun);
}

/**
 * A path as it may be sent: what a path must not hold raw (RFC 3986 section 3.3; `?` and `#` among it) is escaped,
 * escapes that are there stay, and it begins with exactly one slash, so that it can never be read as an authority.
 */
export function encodePath(text: string): string {
  return encodePart(`/${text.replace(/^\/+/, "")}`);
}

/** A part of a path, escaped in the same way. */
export function encodePart(text: string): string {
  return text
    .toWellFormed()
    .replace(/%(?![0-9A-Fa-f]{2})/g, "%25")
    .replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]+/g, encodeURIComponent);
}

/** A regular expression for paths, which are one line whatever is in them: `.` is any character, `$` the very end. */
export const pathRegex = (source: string, ignoreCase = false): RegExp => new RegExp(source, ignoreCase ? "is" : "s");

/** A text without the slashes at its end; a regular expression would look at each run of slashes from each of them. */
export function withoutClosingSlashes(text: string): string {
  let end = text.length;
  while (text.charCodeAt(end - 1) === 47) end--;
  return text.slice(0, end);
}

/** A configured prefix without closing slashes, in the form paths are compared in; "" is the prefix of all. */
export function decodePrefix(prefix: string): string {
  return withoutClosingSlashes(decodePath(prefix));
}

/**
 * What follows `prefix` in a path as it was sent: "" or a text that begins with a slash. undefined: the path is not
 * under that prefix. The comparison is of decoded segments, the cut is in the raw text, so `/%761/x` is `/x` under
 * `/v1`. With `ignoreCase` the prefix is in lower case.
 */
export function afterPrefix(path: string, prefix: string, ignoreCase = false): string | undefined {
  if (prefix === "") return path;
  let end = -1;
  for (let slash = prefix.indexOf("/"); slash !== -1; slash = prefix.indexOf("/", slash + 1)) {
    end = path.indexOf("/", end + 1);
    if (end === -1) return undefined;
  }
  end = path.indexOf("/", end + 1);
  const head = end === -1 ? path : path.slice(0, end);
  if (head !== prefix && decodePath(head) !== prefix) {
    if (!ignoreCase || decodePath(head).toLowerCase() !== prefix) return undefined;
  }
  return end === -1 ? "" : path.slice(end);
}
