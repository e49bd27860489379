import { authority, isWildcard, type SocketAddress } from "../../base/addresses.ts";
import { listenAddressOf } from "../schema/listen.ts";
import { streamListen } from "../schema/stream.ts";
import type { RawClusters } from "./clusters.ts";
import { fault, itemsUnder, type Place, type Rules, under, unique } from "./rules.ts";
import { listenersOf } from "./server.ts";
import { discoveryIsOn, servicesAreKnown } from "./targets.ts";

/** An address of the file that is listened on. */
interface Taken extends SocketAddress {
  /** The key that has it. */
  readonly by: string;
}

/** Whether two listeners would want the same port of the same address. Port 0 is never the same. */
const collide = (a: SocketAddress, b: SocketAddress): boolean =>
  a.port !== 0 && a.port === b.port && (a.host === b.host || isWildcard(a.host) || isWildcard(b.host));

/** What `server` and `admin` listen on. */
function takenByOthers(rules: Rules): Taken[] {
  const { proxy, admin } = listenersOf(rules);
  const redirect = Number(under(rules.root, "server").value.redirect_http);
  return [
    ...(proxy ? [{ ...proxy, by: "server.listen" }] : []),
    ...(admin ? [{ ...admin, by: "admin.listen" }] : []),
    ...(proxy && Number.isInteger(redirect) ? [{ host: proxy.host, port: redirect, by: "server.redirect_http" }] : []),
  ];
}

function addressesAreFree(rules: Rules, streams: readonly Place[]): void {
  const taken = takenByOthers(rules);
  for (const stream of streams) {
    if (!Object.hasOwn(stream.value, "listen")) continue;
    const address = listenAddressOf(streamListen, stream.value.listen);
    if (address === undefined) continue;
    const other = taken.find((one) => collide(one, address));
    if (other !== undefined) {
      fault(rules, stream, "listen", `has port ${address.port}, which ${other.by} listens on already`);
    }
    taken.push({ ...address, by: `streams[${stream.path.at(-1)}].listen` });
  }
}

/** The id a stream has: its own, else the address it listens on. */
function idOf({ value }: Place): string | undefined {
  if (Object.hasOwn(value, "id")) return typeof value.id === "string" ? value.id : undefined;
  const address = listenAddressOf(streamListen, value.listen);
  return address && authority(address);
}

/** Everything about `streams` that concerns more than one key. */
export function checkStreams(rules: Rules, clusters: RawClusters): void {
  const streams = itemsUnder(rules.root, "streams");
  for (const stream of streams) servicesAreKnown(rules, stream, clusters);
  addressesAreFree(rules, streams);
  const ids = streams.flatMap((place) => {
    const value = idOf(place);
    // Streams without an id on the same address are reported for that.
    const own = Object.hasOwn(place.value, "id") || value?.endsWith(":0");
    return value !== undefined && own
      ? [{ place, key: Object.hasOwn(place.value, "id") ? "id" : "listen", value }]
      : [];
  });
  unique(rules, ids);
  discoveryIsOn(rules, streams, clusters, "connections are closed at once");
}
