import type { HeaderFields } from "./header-fields.ts";
/** The value of the first cookie of that name, as sent (RFC 6265 section 5.4); undefined where there is none. */
export function cookieValue(headers: HeaderFields, name: string): string | undefined {
  const line = headers.get("cookie");
  if (line === null) return undefined;
  let start = 0;
  while (start < line.length) {
    while (line[start] === " ") start++;
    let end = line.indexOf(";", start);
    if (end < 0) end = line.length;
    if (line[start + name.length] === "=" && line.startsWith(name, start)) {
      return line.slice(start + name.length + 1, end).trim();
    }
    start = end + 1;
  }
  return undefined;
}
