const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

/** Whether doing it twice is the same as doing it once (RFC 9110 section 9.2.2). */
export const isIdempotent = (method: string): boolean => IDEMPOTENT.has(method);
