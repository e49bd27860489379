import type { ApiClient } from "./api-client.ts";
import { InvalidObjectError } from "./errors.ts";
import { metadataOf, type SkippedObject, tryDecode } from "./skipped-objects.ts";
import type { Change, Collection, Decoder } from "./types.ts";

/** Objects per page: kubectl's and client-go's number. A page of large slices is a few megabytes. */
const PAGE_SIZE = 500;

export interface ListAllOptions<T> {
  readonly api: ApiClient;
  readonly collection: Collection;
  readonly decode: Decoder<T>;
  /** The answer must not be older than this version; undefined: the most recent state. */
  readonly notOlderThan?: string | undefined;
  /** Called as each page is in. */
  readonly onPage?: ((progress: ListProgress) => void) | undefined;
}

/** How far a list by pages is. */
export interface ListProgress {
  /** Objects that are in. */
  readonly objects: number;
  /** Objects that are not; undefined where the server does not say (it does not with a selector). */
  readonly remaining: number | undefined;
}

/** A whole collection as of one version. */
export interface FullList<T> {
  readonly items: T[];
  /** Objects that could not be read. */
  readonly skipped: readonly SkippedObject[];
  readonly resourceVersion: string;
}

/**
 * Lists a whole collection page by page. Each page is decoded as it comes, so at most one page of raw objects is held.
 * All or nothing: any failure of any page rejects, and a caller never sees a part. An object that cannot be read is no
 * failure: it is left out by itself, and named.
 */
export async function listAll<T>(options: ListAllOptions<T>, signal: AbortSignal): Promise<FullList<T>> {
  const { api, collection, decode, notOlderThan, onPage } = options;
  const items: T[] = [];
  const skipped: SkippedObject[] = [];
  let version: string | undefined;
  let token: string | undefined;
  let objects = 0;
  do {
    // The token holds the version of the first page: naming one beside it is an error of the API.
    const query =
      token !== undefined
        ? { limit: PAGE_SIZE, continue: token }
        : notOlderThan !== undefined
          ? { limit: PAGE_SIZE, resourceVersion: notOlderThan, resourceVersionMatch: "NotOlderThan" as const }
          : { limit: PAGE_SIZE };
    const page = await api.list(collection, query, signal, decode.fromBytes);
    objects += page.items.length;
    onPage?.({ objects, remaining: page.continue === undefined ? 0 : page.remaining });
    for (const one of page.items) {
      const found = "read" in one ? one.read : "json" in one ? tryDecode(decode, one.json) : one;
      if ("skipped" in found && found.skipped !== undefined) skipped.push(found.skipped);
      else if ("item" in found && found.item !== undefined) items.push(found.item);
    }
    // A watch from the first page's version replays whatever later pages may already show.
    version ??= page.resourceVersion;
    if (page.continue !== undefined && page.continue === token) {
      throw new InvalidObjectError("the list's continue token leads back to the same page");
    }
    token = page.continue;
  } while (token !== undefined);
  if (objects > 0 && skipped.filter(({ reason }) => reason === "identity").length === objects) {
    throw new InvalidObjectError("no object of the list has metadata with a name");
  }
  return { items, skipped, resourceVersion: version };
}

/** The change a full list is. */
export const replaceBy = <T>({ items, skipped }: Pick<FullList<T>, "items" | "skipped">): Change<T> =>
  skipped.length === 0 ? { kind: "replace", items } : { kind: "replace", items, unread: skipped };

/** Gives a change to its receiver. If that throws, an object cannot be held: the answer is as good as garbage. */
export function deliver<T>(apply: (change: Change<T>) => void, change: Change<T>): void {
  try {
    apply(change);
  } catch (error) {
    throw new InvalidObjectError(`an object could not be taken in: ${(error as Error).message}`);
  }
}

/** A decoder that also reports every object it is given, and whether it is kept. */
export function observed<T>(
  decode: Decoder<T>,
  observe: (meta: ReturnType<typeof metadataOf>, item: T | undefined) => void,
): Decoder<T> {
  const { fromBytes } = decode;
  const watched = (object: unknown): T | undefined => {
    const item = decode(object);
    observe(metadataOf(object), item);
    return item;
  };
  if (fromBytes === undefined) return watched;
  return Object.assign(watched, {
    fromBytes: (bytes: Uint8Array, at: number) => {
      const object = fromBytes(bytes, at);
      if (object !== undefined) observe(object, object.item);
      return object;
    },
  });
}
