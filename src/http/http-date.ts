let second = Number.NaN;
let text = "";

/** A time as `Date` says it (RFC 9110 section 5.6.7). `now`: milliseconds since the epoch. One text serves a second. */
export function httpDate(now: number): string {
  const asked = Math.floor(now / 1000);
  if (asked !== second) {
    second = asked;
    text = new Date(asked * 1000).toUTCString();
  }
  return text;
}
