/** Whether an address (as the runtime gives it: IPv4, IPv6, v4-mapped IPv6) is one of the trusted proxies. */
export type Trust = (address: string) => boolean;

/** Compiles `server.trusted_proxies`. Throws a TypeError that names an entry that is no address and no CIDR block. */
export function createTrust(blocks: readonly string[]): Trust {
  void blocks;
  return () => false;
}
