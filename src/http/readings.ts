import { decodePath } from "./path.ts";

/**
 * How a path is read where servers read it differently: `reject` refuses it unless all readings lead to one route,
 * `decode` takes slashes of any spelling for slashes and several for one, `keep` leaves it as it is, `nginx` reads it
 * as nginx's `$uri`. What a pod is sent is the same in all four.
 */
export const PATHS = ["reject", "decode", "keep", "nginx"] as const;
/** One of them. */
export type Paths = (typeof PATHS)[number];

/** What servers read differently: slashes in other spellings, empty segments, parameters of a segment. */
const SEVERAL = /[\\;]|\/\/|%(?:2f|5c)/i;

/** Whether a path, as it was sent, has more than one reading. */
export const hasReadings = (path: string): boolean => SEVERAL.test(path);

const DOTS = /^(?:\.|%2e){1,2}$/i;

/** A path whose dot segments, plain or percent-encoded, are resolved (RFC 3986 section 5.2.4). All else stays. */
export function resolveDots(path: string): string {
  if (!/\/(?:\.|%2e)/i.test(path)) return path;
  const segments = path.split("/");
  const left: string[] = [];
  for (const [i, segment] of segments.entries()) {
    if (!DOTS.test(segment)) {
      left.push(segment);
      continue;
    }
    // "." and "%2e" are one dot; the first of what is left stands for the slash that a path begins with.
    if (segment.replace(/%2e/gi, ".").length === 2 && left.length > 1) left.pop();
    if (i === segments.length - 1) left.push("");
  }
  return left.join("/");
}

const withEncodedSlashes = (path: string): string => path.replace(/%2f/gi, "/");
const withBackslashes = (path: string): string => path.replace(/\\|%5c/gi, "/");
const merged = (path: string): string => path.replace(/\/{2,}/g, "/");
const withoutParameters = (path: string): string => path.replace(/;[^/]*/g, "");

/** A path as it was sent, in the one reading that a mode has of it. */
const ONE: Readonly<Record<Exclude<Paths, "reject">, (path: string) => string>> = {
  decode: (path) => resolveDots(merged(withBackslashes(withEncodedSlashes(path)))),
  keep: (path) => path,
  nginx: (path) => resolveDots(merged(withEncodedSlashes(path))),
};

/** The form of a path that rules are compared with in such a mode. */
export const readingOf = (path: string, mode: Exclude<Paths, "reject">): string => decodePath(ONE[mode](path));

const and = (paths: Iterable<string>, read: (path: string) => string): Set<string> => {
  const all = new Set(paths);
  for (const path of [...all]) all.add(read(path));
  return all;
};

/**
 * All readings of a path, the path as it is first, in the form rules are compared with: parameters are cut off before
 * slashes are decoded, after, or not; encoded slashes are decoded or not, and so are backslashes, since few servers
 * take both for slashes; slashes are merged or not; dot segments are resolved last.
 */
export function readingsOf(path: string): ReadonlySet<string> {
  let all = and([path], withoutParameters);
  all = and(all, withEncodedSlashes);
  all = and(all, withBackslashes);
  all = and(all, withoutParameters);
  all = and(all, merged);
  return new Set([...all].map((read) => decodePath(resolveDots(read))));
}

/**
 * One form of all spellings of a path that some server takes for the same: for what is counted by paths. Different
 * paths may share it.
 */
export const commonReading = (path: string): string =>
  decodePath(hasReadings(path) ? ONE.decode(withoutParameters(path)) : path);

/**
 * The path that rewriting and redirecting start from, in a route with this mode: the reading that it was matched in, as
 * it could be sent, where the mode changes what a slash is; else the path as it was sent.
 */
export const asMatched = (paths: Paths | undefined): ((path: string) => string) => {
  if (paths !== "decode" && paths !== "nginx") return (path) => path;
  const read = ONE[paths];
  return (path) => (hasReadings(path) ? read(path) : path);
};
