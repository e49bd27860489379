import type { NamespaceSelector } from "./options.ts";

/** A namespace selector, split into what the apiserver can filter and what is left to us. */
export interface NamespaceFilter {
  /** True when objects of this namespace are kept. */
  keeps(namespace: string): boolean;
  /** Ask the namespaced path of this one; undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** Send this field selector; undefined: none. */
  readonly fieldSelector: string | undefined;
}

/** True when any of the regular expressions matches the whole name. */
function wholeMatcher(sources: readonly string[]): (name: string) => boolean {
  const patterns = sources.map((source) => new RegExp(`^(?:${source})$`));
  return (name) => patterns.some((pattern) => pattern.test(name));
}

/**
 * Reads APISIX's `namespace_selector`. Several keys together all have to hold. `equal` needs no more than a Role in
 * that namespace; `not_equal` is filtered by the apiserver; `match` and `not_match`, which it cannot do, are ours.
 */
export function namespaceFilter(selector: NamespaceSelector | undefined): NamespaceFilter {
  const { equal, not_equal: notEqual, match, not_match: notMatch } = selector ?? {};
  const matches = match === undefined ? undefined : wholeMatcher(match);
  const unwanted = notMatch === undefined ? undefined : wholeMatcher(notMatch);
  return {
    namespace: equal,
    fieldSelector: notEqual === undefined ? undefined : `metadata.namespace!=${notEqual}`,
    keeps: (namespace) =>
      (equal === undefined || namespace === equal) &&
      namespace !== notEqual &&
      matches?.(namespace) !== false &&
      unwanted?.(namespace) !== true,
  };
}
