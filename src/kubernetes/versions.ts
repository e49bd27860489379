import { InvalidObjectError, shorten } from "./errors.ts";

const NUMBER = /^(?:0|[1-9][0-9]*)$/;

/**
 * True when the first resourceVersion is surely older than the second. Versions of one resource are whole numbers that
 * grow; of one that is not a number nothing is sure. Throws `InvalidObjectError` for one that is no text: nothing
 * decoded it before, and a watch could not be resumed from it.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */
export function isOlder(version: string, than: string): boolean {
  if (typeof version !== "string") {
    throw new InvalidObjectError(`a resourceVersion that is no text: ${shorten(JSON.stringify(version), 40)}`);
  }
  if (!NUMBER.test(version) || !NUMBER.test(than)) return false;
  // As text: they may be larger than a number can hold exactly, and this is asked for every event.
  return version.length === than.length ? version < than : version.length < than.length;
}
