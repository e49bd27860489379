import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { offerOnlyWhatPasses, withoutDecoded } from "../../src/runtime/deno-encodings.ts";

const offered = (accept?: string): string | null => {
  const headers = new Headers(accept === undefined ? {} : { "accept-encoding": accept });
  offerOnlyWhatPasses(headers);
  return headers.get("accept-encoding");
};

describe("coded bodies where fetch decodes them (Deno)", () => {
  test.each([
    ["gzip, deflate, br, zstd", "deflate, zstd"],
    ["gzip;q=1.0, zstd;q=0.5, *;q=0", "zstd;q=0.5"],
    ["gzip, br", "identity"],
    ["", "identity"],
    [undefined, "identity"],
  ])("a pod is offered what passes through: %p becomes %s", (sent, wanted) => assertEquals(offered(sent), wanted));

  const answer = (coding: string): Response =>
    new Response("text", { headers: { "content-encoding": coding, "content-length": "99", etag: '"1"' } });

  test.each(["gzip", "x-gzip", "br", "GZIP"])("an answer that was %s says so no more", (coding) => {
    const { headers, status } = withoutDecoded(answer(coding), "GET");
    assertEquals([status, headers.get("content-encoding"), headers.get("content-length")], [200, null, null]);
    assertEquals(headers.get("etag"), '"1"');
  });

  test.each(["zstd", "deflate"])("an answer that is %s stays as it is", (coding) => {
    const response = answer(coding);
    assertEquals(withoutDecoded(response, "GET") === response, true);
  });
});
