import type { HonoJsonWebKey } from "hono/utils/jwt/jws";
import type { Clock } from "../base/clock.ts";
import { showUrl } from "../base/redaction.ts";
import type { Fetch } from "../platform/fetch.ts";
import { Unavailable } from "./rejection.ts";

/** Tokens with made-up key ids must not become requests to the issuer. */
const MIN_INTERVAL_MS = 10_000;
/** After a failure: neither a request per token to an issuer that is down, nor a long wait for one that is up again. */
const RETRY_MS = 1000;
/** An issuer that takes longer counts as down. */
const TIMEOUT_MS = 5000;

interface KeySetOptions {
  readonly uri: string;
  /** Milliseconds after which a set is fetched again. */
  readonly maxAge: number;
  readonly fetch: Fetch;
  readonly clock: Clock;
}

/**
 * A JSON Web Key Set (RFC 7517 section 5) that is cached: Hono's own would be fetched for every request. Nothing is
 * fetched before the first token.
 */
export function createKeySet({ uri, maxAge, fetch, clock }: KeySetOptions) {
  let current: HonoJsonWebKey[] | undefined;
  let asked = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;
  let failed: Unavailable | undefined;

  async function ask(): Promise<void> {
    const controller = new AbortController();
    const cancel = clock.after(TIMEOUT_MS, () => controller.abort(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    try {
      const response = await fetch(uri, { headers: { accept: "application/json" }, signal: controller.signal });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const { keys } = (await response.json()) as { keys?: unknown };
      if (!Array.isArray(keys)) throw new Error("the answer has no list of keys");
      current = keys as HonoJsonWebKey[];
    } catch (cause) {
      if (current !== undefined) return;
      // A runtime's own message may repeat the URL, and the URL may hold a password.
      const why = cause instanceof Error ? cause.message : String(cause);
      const shown = why.replaceAll(uri, "it").replace(/https?:\/\/\S+/g, showUrl);
      failed = new Unavailable(`Cannot get the key set ${showUrl(uri)}: ${shown}`, { cause });
      throw failed;
    } finally {
      cancel();
    }
  }

  function refresh(): Promise<void> {
    asked = clock.now();
    running ??= ask().finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    /**
     * The keys to check a token with that names key `kid`. An unknown one makes it fetch the set again, as after a
     * rotation. Rejects with the same `Unavailable` for a while where there never was a set; a later failure leaves the
     * last one in use.
     */
    async keys(kid: string | undefined): Promise<HonoJsonWebKey[]> {
      const age = clock.now() - asked;
      if (current === undefined && running === undefined && failed !== undefined && age < RETRY_MS) throw failed;
      if (current === undefined || age >= maxAge) await refresh();
      else if (age >= MIN_INTERVAL_MS && !current.some((key) => key.kid === kid)) await refresh();
      return current!;
    },
  };
}
