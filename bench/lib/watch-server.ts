/**
 * An apiserver for the watch benchmark: `bun watch-server.ts PORT`. It lists 10,000 slices in pages, and answers a watch
 * with 50,000 MODIFIED events as fast as the reader takes them, then keeps it open.
 */
import { sliceOf } from "./slices.ts";
import { EVENTS, eventLines, SHAPE, versionOf } from "./watch-load.ts";

/** Bytes handed to the socket at a time: about what an apiserver flushes under load. */
const PIECE = 64 * 1024;

const encoder = new TextEncoder();
const texts = eventLines();
const VERSION_AT = '"resourceVersion":"';
const lines = texts.map((line) => ({
  bytes: encoder.encode(line),
  version: line.indexOf(VERSION_AT) + VERSION_AT.length,
}));
const items = Array.from({ length: SHAPE.slices }, (_, i) =>
  JSON.stringify(sliceOf(i, SHAPE, { resourceVersion: "1", generation: 0 })),
);

function list(query: URLSearchParams): Response {
  const from = Number(query.get("continue") || 0);
  const to = Math.min(items.length, from + Number(query.get("limit") || items.length));
  const next = to < items.length ? `,"continue":"${to}"` : "";
  const head = `{"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","metadata":{"resourceVersion":"10000"${next}}`;
  return new Response(`${head},"items":[${items.slice(from, to).join(",")}]}`, {
    headers: { "content-type": "application/json" },
  });
}

/** The next events, together about as long as a piece. */
function piece(from: number): { bytes: Uint8Array; count: number } {
  let size = 0;
  let count = 0;
  while (size < PIECE && from + count < EVENTS) size += lines[(from + count++) % lines.length]!.bytes.length;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (let i = from; i < from + count; i++) {
    const line = lines[i % lines.length]!;
    bytes.set(line.bytes, at);
    encoder.encodeInto(versionOf(i), bytes.subarray(at + line.version));
    at += line.bytes.length;
  }
  return { bytes, count };
}

function watch(): Response {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(out) {
      // All events are out: the watch stays open, and quiet.
      if (sent === EVENTS) return new Promise<void>(() => {});
      const { bytes, count } = piece(sent);
      out.enqueue(bytes);
      sent += count;
    },
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  idleTimeout: 0,
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/") return new Response("ok");
    if (!pathname.endsWith("/endpointslices")) return Response.json({ kind: "Status", code: 404 }, { status: 404 });
    return ["true", "1"].includes(searchParams.get("watch") ?? "") ? watch() : list(searchParams);
  },
});
