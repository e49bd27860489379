import { type FieldLine, fieldLine } from "./field-line.ts";

/** RFC 7541 appendix A, from index 1 on; a name alone has an empty value. */
const ENTRIES = `:authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|\
:status 204|:status 206|:status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|\
accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|\
content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type|\
cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|\
last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|\
server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate`.split("|");

/** The fields of HPACK's static table; index 0 is none. */
export const STATIC_TABLE: readonly FieldLine[] = [
  fieldLine("", ""),
  ...ENTRIES.map((entry) => {
    const space = entry.indexOf(" ");
    return space === -1 ? fieldLine(entry, "") : fieldLine(entry.slice(0, space), entry.slice(space + 1));
  }),
];

/** How many there are: the dynamic table begins behind them. */
export const STATIC_ENTRIES = 61;

/** The first index of each name. */
export const STATIC_NAMES: ReadonlyMap<string, number> = new Map(
  STATIC_TABLE.map(({ name }, index) => [name, index] as const)
    .slice(1)
    .reverse(),
);
