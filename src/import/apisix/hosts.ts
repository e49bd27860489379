import { aroundEnvironment } from "../escaping.ts";
import type { Input } from "../input.ts";

/** `host` or `hosts` of a route or a service; undefined: any; text: why they cannot be carried over. */
export function hostsOf(object: Input): string[] | undefined | string {
  const one = object.at("host");
  const many = object.at("hosts");
  const found = many.exists ? many : one;
  if (many.exists) one.decline("hosts is there too, and it counts");
  const texts = found.texts();
  if (texts === undefined) return found.exists ? "its hosts are no list of names" : undefined;
  const hosts = texts.flatMap((text): string[] => {
    const host = aroundEnvironment(text, (literal) => literal.toLowerCase());
    if (!host.startsWith("*") || host.startsWith("*.")) return [host];
    found.note("a * stands for whole labels here: *NAME is NAME and *.NAME");
    return [host.slice(1), `*.${host.slice(1)}`];
  });
  return hosts.length === 0 ? "it has no hosts" : [...new Set(hosts)];
}
