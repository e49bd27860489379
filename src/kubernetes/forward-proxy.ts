import { canonicalAddress, isIpv4, isIpv6 } from "../base/addresses.ts";

/** Which forward proxy a request goes through, decided as Go's clients (kubectl among them) decide it. */

type Env = Readonly<Record<string, string | undefined>>;

/** True for this machine: no proxy is ever asked for it, since it would ask its own machine. */
export function isThisMachine(hostname: string): boolean {
  const host = hostname
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
  if (host === "localhost" || host.endsWith(".localhost") || host === "::1" || host === "::" || host === "0.0.0.0") {
    return true;
  }
  // A URL writes 127.0.0.1 as an IPv4-mapped address so.
  return (isIpv4(host) && host.startsWith("127.")) || /^::ffff:7f[0-9a-f]{2}:/.test(host);
}

const bitsOf = (address: string): string | undefined => {
  if (isIpv4(address))
    return address
      .split(".")
      .map((part) => Number(part).toString(2).padStart(8, "0"))
      .join("");
  if (!isIpv6(address)) return undefined;
  const [head = "", tail] = canonicalAddress(address).split("::");
  const groups = (half: string | undefined): string[] => (half ? half.split(":") : []);
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...new Array<string>(8 - before.length - after.length).fill("0"), ...after];
  return all.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0")).join("");
};

/** An entry of NO_PROXY: `*`, a name and all below it (`.name`: only those), an address or a block, perhaps a port. */
function excludes(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  const [, name = "", wanted] = /^(\[.*\]|[^:]*|.*:.*:.*?)(?::([0-9]+))?$/.exec(entry) ?? [];
  if (wanted !== undefined && wanted !== port) return false;
  const [address = "", length] = name.replace(/^\[(.*)\]$/, "$1").split("/");
  const block = bitsOf(address);
  if (block !== undefined) {
    const bits = bitsOf(host);
    const size = length === undefined ? block.length : Number(length);
    return bits !== undefined && bits.length === block.length && bits.slice(0, size) === block.slice(0, size);
  }
  const domain = name.replace(/^\*\./, ".");
  return (
    domain !== "" && (domain.startsWith(".") ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`))
  );
}

const portOf = ({ port, protocol }: URL): string => port || (protocol === "https:" ? "443" : "80");

/** A proxy's URL; one without a scheme is of http. An error never shows it: it may hold a password. */
function checked(proxy: string, where: string): string {
  const text = proxy.includes("://") ? proxy : `http://${proxy}`;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new Error(`${where} is not the URL of an http or https proxy`);
  }
  return text;
}

/**
 * The proxy for a URL; undefined: the request goes straight there. `own` is a proxy that the config names, which wins
 * over HTTPS_PROXY, HTTP_PROXY and NO_PROXY. Nothing goes through a proxy to this machine. Throws for a proxy that
 * cannot be used.
 */
export function forwardProxy(url: string, env: Env, own?: string): string | undefined {
  const target = new URL(url);
  const host = target.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (isThisMachine(host)) return undefined;
  if (own !== undefined) return checked(own, "the cluster's proxy");
  const key = target.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const proxy = env[key] || env[key.toLowerCase()];
  if (!proxy) return undefined;
  const never = (env.NO_PROXY || env.no_proxy || "").split(",").map((entry) => entry.trim().toLowerCase());
  if (never.some((entry) => excludes(entry, host, portOf(target)))) return undefined;
  return checked(proxy, key);
}
