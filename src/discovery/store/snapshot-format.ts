import { createPortInterner } from "../records/object-reader.ts";
import type { ServiceRecord } from "../records/services.ts";
import type { PortList, SlicePort, SliceRecord } from "../records/slice-record.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * A snapshot as text: one line of JSON that says what it is, then one line for each record. Lines, and not one
 * document, so that neither side ever works on all of it at once.
 */

/** What a snapshot file holds. */
export interface StoredSnapshot {
  /** When it was written, milliseconds since the epoch. */
  readonly written: number;
  readonly slices: ReadonlyMap<string, readonly SliceRecord[]>;
  readonly services: ReadonlyMap<string, readonly ServiceRecord[]>;
}

const listsOf = <T>(scopes: ReadonlyMap<string, ReadonlyMap<string, T>>): ReadonlyMap<string, readonly T[]> =>
  new Map([...scopes].map(([scope, records]) => [scope, [...records.values()]]));

/** A copy of a snapshot at this moment, so that changes while it is encoded do not mix into it. */
export const storedSnapshot = (snapshot: Pick<Snapshot, "slices" | "services">, written: number): StoredSnapshot => ({
  written,
  slices: listsOf(snapshot.slices),
  services: listsOf(snapshot.services),
});

/** A file that cannot be used. The message continues a sentence that began with its path. */
export class SnapshotFileError extends Error {
  override name = "SnapshotFileError";
}

/** Rises when a reader of this version could misread what an older or newer one wrote. */
const VERSION = 1;

const FORMAT = "podway snapshot";

/** The first line. */
interface Head {
  readonly format: typeof FORMAT;
  readonly version: number;
  /** Digest of what was read from where; neither can be derived from it. */
  readonly cluster: string;
  readonly written: number;
  /** SHA-256 of everything after this line, hexadecimal. */
  readonly sha256: string;
}

/** Records between two pauses: a few milliseconds of work. */
const BATCH = 500;

/** Resolves after other work had its turn. */
export type YieldTurn = () => Promise<void>;

/** SHA-256 of a text's UTF-8, hexadecimal. */
export async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const sliceLine = (scope: string, slice: SliceRecord): string => {
  const groups = slice.groups.map(({ ports, packed }) => ({ ports: ports.ports, packed }));
  return `${JSON.stringify(["slice", scope, { ...slice, groups }])}\n`;
};

const serviceLine = (scope: string, service: ServiceRecord): string =>
  `${JSON.stringify(["service", scope, service])}\n`;

/** The text of a snapshot. `cluster` is a digest of what it was read from. */
export async function encodeSnapshot(snapshot: StoredSnapshot, cluster: string, yieldTurn: YieldTurn): Promise<string> {
  const lines: string[] = [];
  const add = async (line: string): Promise<void> => {
    if (lines.push(line) % BATCH === 0) await yieldTurn();
  };
  for (const [scope, slices] of snapshot.slices) for (const slice of slices) await add(sliceLine(scope, slice));
  for (const [scope, services] of snapshot.services) {
    for (const service of services) await add(serviceLine(scope, service));
  }
  const body = lines.join("");
  const { written } = snapshot;
  const head: Head = { format: FORMAT, version: VERSION, cluster, written, sha256: await digest(body) };
  return `${JSON.stringify(head)}\n${body}`;
}

function readHead(line: string): Head {
  let head: Partial<Head> | null = null;
  try {
    head = JSON.parse(line);
  } catch {
    // Said below, with everything else that is no head.
  }
  if (head === null || typeof head !== "object" || head.format !== FORMAT) {
    throw new SnapshotFileError("is not a snapshot file");
  }
  if (head.version !== VERSION) {
    throw new SnapshotFileError(`is of format version ${JSON.stringify(head.version)}, and this is ${VERSION}`);
  }
  if (typeof head.written !== "number") throw new SnapshotFileError("does not say when it was written");
  return head as Head;
}

const grouped = <T>(records: Map<string, T[]>, scope: string): T[] => {
  const known = records.get(scope);
  if (known !== undefined) return known;
  const made: T[] = [];
  records.set(scope, made);
  return made;
};

/** A record as it stands in the file: port lists are not shared there. */
type StoredSlice = Omit<SliceRecord, "groups"> & {
  readonly groups: readonly { readonly ports: readonly SlicePort[]; readonly packed: string }[];
};

const fromStored = (stored: StoredSlice, intern: (ports: readonly SlicePort[]) => PortList): SliceRecord => ({
  ...stored,
  groups: stored.groups.map(({ ports, packed }) => ({ ports: intern(ports), packed })),
});

/**
 * The snapshot of a text. Throws `SnapshotFileError` for one that is damaged, cut, of another cluster or version: all
 * or nothing, as with a list.
 */
export async function decodeSnapshot(text: string, cluster: string, yieldTurn: YieldTurn): Promise<StoredSnapshot> {
  const end = text.indexOf("\n");
  const head = readHead(end === -1 ? text : text.slice(0, end));
  if (head.cluster !== cluster) {
    throw new SnapshotFileError("was written for another apiserver, other namespaces or other selectors");
  }
  const body = end === -1 ? "" : text.slice(end + 1);
  if ((await digest(body)) !== head.sha256) throw new SnapshotFileError("is damaged or cut short");

  const slices = new Map<string, SliceRecord[]>();
  const services = new Map<string, ServiceRecord[]>();
  const intern = createPortInterner();
  let start = 0;
  for (let at = body.indexOf("\n"), count = 1; at !== -1; at = body.indexOf("\n", start), count++) {
    const [kind, scope, record] = JSON.parse(body.slice(start, at)) as [string, string, unknown];
    if (kind === "slice") grouped(slices, scope).push(fromStored(record as StoredSlice, intern));
    else grouped(services, scope).push(record as ServiceRecord);
    start = at + 1;
    if (count % BATCH === 0) await yieldTurn();
  }
  return { written: head.written, slices, services };
}
