/** Dot segments, plain or percent-encoded (the URL standard treats them alike), and what a URL would end or change. */
const CHANGED_BY_FETCH = /[\\?#\s]|(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/**
 * True when fetch sends this path as it is: it begins with exactly one slash and has nothing that a URL parser would
 * resolve. What the runtime's server handed over was parsed already; what a rewrite made of it was not.
 */
export function isPlainPath(path: string): boolean {
  return path.charCodeAt(0) === 47 && path.charCodeAt(1) !== 47 && !CHANGED_BY_FETCH.test(path);
}
