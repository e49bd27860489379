import type { Clock } from "../base/clock.ts";
import { openAbortScope, orAborted } from "./abort-scope.ts";
import { decode, readBytes } from "./body.ts";
import type { ApiserverConnection } from "./connection.ts";

/** What an apiserver answered, whatever its status. */
export interface ApiAnswer {
  readonly status: number;
  /** Decoded JSON; undefined where it was none. */
  readonly body: unknown;
  /** Its clock by the `Date` header, milliseconds since the epoch; undefined: it did not say. */
  readonly date: number | undefined;
}

/** One call of an apiserver: a GET, or a POST of an object. Rejects where there is no answer. */
export type SingleCall = (path: string, signal: AbortSignal, object?: object) => Promise<ApiAnswer>;

/** More than any discovery document or review has. */
const ANSWER_LIMIT = 1024 * 1024;

/**
 * Calls beside the list-watch, for diagnosis: nothing is tried again, and a refusal is an answer. What is posted is a
 * review, which no apiserver keeps.
 */
export function createSingleCall(connection: ApiserverConnection, clock: Clock): SingleCall {
  return async (path, parent, object) => {
    const scope = openAbortScope(parent, clock);
    try {
      const authorization = await orAborted(scope.signal, connection.credentials.authorization());
      const headers: Record<string, string> = { accept: "application/json", "user-agent": "podway" };
      if (authorization !== undefined) headers.authorization = authorization;
      if (object !== undefined) headers["content-type"] = "application/json";
      const response = await orAborted(
        scope.signal,
        connection.fetch(connection.server + path, {
          method: object === undefined ? "GET" : "POST",
          headers,
          ...(object === undefined ? {} : { body: JSON.stringify(object) }),
          redirect: "manual",
          signal: scope.signal,
        }),
      );
      const date = Date.parse(response.headers.get("date") ?? "");
      const text = decode(await readBytes(response.body, ANSWER_LIMIT, scope.signal));
      return { status: response.status, body: jsonOf(text), date: Number.isNaN(date) ? undefined : date };
    } finally {
      scope.close();
    }
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
