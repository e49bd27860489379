/**
 * Deno's fetch decodes gzip and br, whoever asks, and leaves `Content-Encoding` and `Content-Length` as they were: passed
 * on, the answer would be broken. Other codings (zstd, deflate) pass as they are.
 */
const DECODED = new Set(["gzip", "x-gzip", "br"]);

/** The coding of one element of `Accept-Encoding`, without its weight. */
const codingOf = (element: string): string => element.split(";", 1)[0]!.trim().toLowerCase();

/**
 * Offers a pod only the codings that pass through, in place: compressing for a fetch that undoes it helps nobody. Where
 * none is left, and where the client named none (Deno would then name its own), the body is asked for as it is.
 */
export function offerOnlyWhatPasses(headers: Headers): void {
  const offered = headers.get("accept-encoding")?.split(",") ?? [];
  const kept = offered.filter((element) => {
    const coding = codingOf(element);
    return coding !== "" && coding !== "*" && !DECODED.has(coding);
  });
  headers.set("accept-encoding", kept.length === 0 ? "identity" : kept.map((element) => element.trim()).join(", "));
}

/**
 * An answer whose headers tell of the body that is there: of one that was decoded, the coding and the length are gone.
 * The same Response where nothing was decoded. An answer without a body (HEAD, 304) tells of the one a GET would have.
 */
export function withoutDecoded(response: Response, method: string): Response {
  const coding = response.headers.get("content-encoding");
  if (coding === null || !DECODED.has(codingOf(coding))) return response;
  const headers = new Headers(response.headers);
  headers.delete("content-encoding");
  headers.delete("content-length");
  const { status, statusText } = response;
  return new Response(method === "HEAD" ? null : response.body, { status, statusText, headers });
}
