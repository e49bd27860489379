const NUMBER = /^(?:0|[1-9][0-9]*)$/;

/**
 * True when the first resourceVersion is surely older than the second. Versions of one resource are whole numbers that
 * grow; of one that is not a number nothing is sure.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */
export function isOlder(version: string, than: string): boolean {
  if (!NUMBER.test(version) || !NUMBER.test(than)) return false;
  // As text: they may be larger than a number can hold exactly, and this is asked for every event.
  return version.length === than.length ? version < than : version.length < than.length;
}
