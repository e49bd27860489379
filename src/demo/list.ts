import { itemText, toVersion } from "./objects.ts";
import { apiVersionOf, type ResourceTarget } from "./resources.ts";
import { parseFieldSelector, parseLabelSelector } from "./selectors.ts";
import { badRequest, expired, invalid, tooLarge } from "./status.ts";
import { type Store, storeKey } from "./store.ts";
import type { ApiserverSettings, StoredObject } from "./types.ts";

/** What a list or watch selects of a collection. */
export type Filter = (object: StoredObject) => boolean;

/**
 * The filter of a request: namespace, name, label and field selectors. Throws the 400 of a selector that does not
 * parse.
 */
export function filterOf({ resource, version, namespace, name }: ResourceTarget, query: URLSearchParams): Filter {
  const labels = query.get("labelSelector");
  const fields = query.get("fieldSelector");
  const byLabels = labels ? parseLabelSelector(labels) : undefined;
  const where = `${resource.group}/${version}, Resource=${resource.plural}`;
  const byFields = fields ? parseFieldSelector(fields, resource.fields, where) : undefined;
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    (!byLabels || byLabels(object.metadata.labels)) &&
    (!byFields || byFields(object));
}

/** A `continue` token: the version the first page had (-1: whatever is current), the last key served, the page. */
interface Continue {
  readonly v: "meta.k8s.io/v1";
  readonly rv: number;
  readonly start: string;
  readonly page: number;
}

const encodeContinue = (token: Continue): string =>
  btoa(JSON.stringify(token)).replaceAll("+", "-").replaceAll("/", "_");

/** Reads a token back; undefined when it is not one of ours. */
export function decodeContinue(text: string): Continue | undefined {
  try {
    const token = JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/"))) as Continue;
    return token.v === "meta.k8s.io/v1" ? token : undefined;
  } catch {
    return undefined;
  }
}

/** Parses a resourceVersion of a query; 0 for `0` and for none. */
export function versionOf(text: string | null): number {
  if (!text) return 0;
  if (!/^[0-9]+$/.test(text)) {
    const quoted = JSON.stringify(text);
    throw badRequest(`invalid resource version: strconv.ParseUint: parsing ${quoted}: invalid syntax`);
  }
  return Number(text);
}

const refuse = (field: string, message: string, reason = "FieldValueForbidden") =>
  invalid("ListOptions", "meta.k8s.io", "", [{ reason, message, field }]);

/** `limit` and others: a number that is not negative, 0 for none. */
export function countOf(query: URLSearchParams, name: string): number {
  const text = query.get(name);
  if (!text) return 0;
  if (!/^-?[0-9]+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Math.max(0, Number(text));
}

function checkMatch(query: URLSearchParams, version: number): void {
  const match = query.get("resourceVersionMatch");
  if (query.get("sendInitialEvents") !== null) {
    throw refuse("sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list");
  }
  if (!match) return;
  if (query.get("continue")) {
    throw refuse("resourceVersionMatch", "Forbidden: resourceVersionMatch is forbidden when continue is provided");
  }
  if (!query.get("resourceVersion")) {
    throw refuse(
      "resourceVersionMatch",
      "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
    );
  }
  if (match !== "Exact" && match !== "NotOlderThan") {
    throw refuse(
      "resourceVersionMatch",
      `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`,
      "FieldValueNotSupported",
    );
  }
  if (match === "Exact" && version === 0) {
    throw refuse(
      "resourceVersionMatch",
      'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    );
  }
}

/** One page of a list. */
export interface ListedPage {
  readonly items: readonly StoredObject[];
  readonly resourceVersion: string;
  readonly continue: string | undefined;
  /** Absent with selectors, as in the apiserver, which then does not know it. */
  readonly remaining: number | undefined;
}

const TOO_OLD =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/** The first index whose key is greater than `start`. */
function indexAfter(objects: readonly StoredObject[], start: string): number {
  let low = 0;
  let high = objects.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (storeKey(objects[middle]!) > start) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Lists with the apiserver's rules for `resourceVersion`, `resourceVersionMatch`, `limit` and `continue`.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */
export function listPage(
  store: Store,
  target: ResourceTarget,
  query: URLSearchParams,
  settings: ApiserverSettings,
): ListedPage {
  const filter = filterOf(target, query);
  const wanted = versionOf(query.get("resourceVersion"));
  checkMatch(query, wanted);
  const token = query.get("continue");
  const limit = countOf(query, "limit");
  const { plural } = target.resource;

  let version = store.version;
  let from = 0;
  let page = 1;
  let start: string | undefined;
  if (token) {
    const decoded = decodeContinue(token);
    if (!decoded) throw badRequest("invalid continue token: continue key is not valid: illegal base64 data");
    if (wanted !== 0) throw badRequest("specifying resource version is not allowed when using continue");
    if (decoded.rv !== -1 && decoded.rv < store.oldest) {
      throw expired(TOO_OLD, { continue: encodeContinue({ ...decoded, rv: -1 }) });
    }
    if (decoded.rv !== -1) version = decoded.rv;
    start = decoded.start;
    page = decoded.page;
  } else if (wanted > store.version) throw tooLarge(String(wanted), String(store.version));
  else if (query.get("resourceVersionMatch") === "Exact") {
    if (wanted < store.oldest) throw expired("The resourceVersion for the provided list is too old.");
    version = wanted;
  }

  const all = store.listAt(plural, version);
  if (start !== undefined) from = indexAfter(all, start);
  // "0" means any version, and is answered from a cache, which does not page.
  const size = limit === 0 || query.get("resourceVersion") === "0" ? Number.POSITIVE_INFINITY : limit;
  const most = Math.min(size, size === Number.POSITIVE_INFINITY ? size : settings.maxPage);
  const items: StoredObject[] = [];
  for (let at = from; at < all.length; at++) {
    const object = all[at]!;
    if (!filter(object)) continue;
    if (items.length < most) {
      items.push(object);
      continue;
    }
    const next = { v: "meta.k8s.io/v1", rv: version, start: storeKey(items.at(-1)!), page: page + 1 } as const;
    const selected = query.get("labelSelector") || query.get("fieldSelector");
    return {
      items,
      resourceVersion: String(version),
      continue: encodeContinue(next),
      remaining: selected ? undefined : all.slice(at).filter(filter).length,
    };
  }
  return { items, resourceVersion: String(version), continue: undefined, remaining: undefined };
}

/** The metadata of a list's answer. */
export const listMeta = (page: ListedPage): Record<string, unknown> => ({
  resourceVersion: page.resourceVersion,
  ...(page.continue !== undefined && { continue: page.continue }),
  ...(page.remaining !== undefined && { remainingItemCount: page.remaining }),
});

/** A page as `XList` JSON. */
export function listText({ resource, version }: ResourceTarget, page: ListedPage): string {
  const head = { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource, version), metadata: listMeta(page) };
  const items = page.items.map((object) => itemText(toVersion(resource, version, object)));
  return `${JSON.stringify(head).slice(0, -1)},"items":[${items.join(",")}]}`;
}
