import { watchBody } from "./body.ts";
import type { Flight } from "./flights.ts";

/**
 * Bodies up to this size reach a pod well within any sensible time-out, so nobody has to watch them. Larger ones, and
 * those that do not tell, re-arm the time-out as they pass: it is the pod's time to answer, not the client's to upload.
 */
const UNWATCHED_BYTES = 65_536;

/** A request body on its way to a pod. */
export interface Upload {
  /** The body to send. May be called again while nothing was consumed. */
  open(): ReadableStream<Uint8Array>;
  /** Bytes may have been taken from the client: it cannot be sent a second time. */
  consumed(): boolean;
  /** It was ended for being larger than the limit. */
  tooLarge: boolean;
}

/** What an upload is held to. */
export interface UploadRules {
  /** Bytes; 0: no limit. A body that tells its length was checked before. */
  readonly limit: number;
  /** Milliseconds to the answer's headers, counted anew from each piece; 0: none. */
  readonly timeout: number;
  now(): number;
}

/** The body of a request, if it has one. */
export function createUpload(request: Request, flight: Flight, rules: UploadRules): Upload | undefined {
  const source = request.body;
  if (source === null) return undefined;
  const told = request.headers.get("content-length");
  if (told === null) return watched(source, flight, rules);
  if (Number(told) > UNWATCHED_BYTES) return watched(source, flight, { ...rules, limit: 0 });
  return { open: () => source, consumed: () => request.bodyUsed || source.locked, tooLarge: false };
}

function watched(source: ReadableStream<Uint8Array>, flight: Flight, rules: UploadRules): Upload {
  let passed = 0;
  const upload: Upload = {
    open: () =>
      watchBody(source, {
        onChunk(bytes) {
          passed += bytes;
          if (rules.timeout !== 0) flight.deadline = rules.now() + rules.timeout;
          if (rules.limit === 0 || passed <= rules.limit) return;
          upload.tooLarge = true;
          flight.canceller.abort();
          throw new RangeError(`The request body is larger than ${rules.limit} bytes`);
        },
      }),
    consumed: () => source.locked,
    tooLarge: false,
  };
  return upload;
}
