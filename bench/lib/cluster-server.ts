/**
 * A large cluster's apiserver, told by its parent what to do: `bun cluster-server.ts PORT BACKEND_PORT [SLICES]`. Service i
 * has one slice of 15 endpoints; service 0 has a single endpoint, which is really there.
 *
 * - `POST /control/rate?perSecond=N`: from now on so many other slices change, each to other addresses.
 * - `POST /control/expire`: every watch ends with 410 Expired; answers the milliseconds until a watch was open again.
 * - `POST /control/move?via=URL`: moves the endpoint of service 0, then asks URL until the answer comes from there;
 *   answers the milliseconds that took.
 * - `GET /control/counts`: what it was asked for and has sent since it started, see `ServerCounts`.
 */
import { sliceOf } from "./slices.ts";
import { SHAPE } from "./watch-load.ts";

/** What the apiserver was asked for. */
export interface ServerCounts {
  lists: number;
  watches: number;
  /** Of all answers' bodies. */
  bytes: number;
}

const [port, backend] = [Number(process.argv[2]), Number(process.argv[3])];
const slices = Number(process.argv[4] ?? SHAPE.slices);
const encoder = new TextEncoder();
const generations = new Uint32Array(slices);
const counts: ServerCounts = { lists: 0, watches: 0, bytes: 0 };
let version = 1_000_000;
let moved = 0;
let rate = 0;

/** Objects that are sent together in a list that is a stream. */
const STREAM_BATCH = 100;

const watches = new Set<ReadableStreamDefaultController<Uint8Array>>();
let opened = Promise.withResolvers<void>();

/** Where service 0 is now: all of 127.0.0.0/8 is loopback. */
const home = (): string => `127.0.${1 + ((moved >> 7) % 100)}.${1 + (moved % 128)}`;

const textOf = (index: number): string =>
  JSON.stringify(
    sliceOf(index, SHAPE, {
      resourceVersion: String(version),
      generation: generations[index]!,
      at: index === 0 ? { addresses: [home()], port: backend } : undefined,
    }),
  );

const items = Array.from({ length: slices }, (_, i) => textOf(i));

function send(text: string): void {
  const bytes = encoder.encode(`${text}\n`);
  counts.bytes += bytes.length * watches.size;
  for (const watch of watches) watch.enqueue(bytes);
}

function change(index: number): void {
  version++;
  if (index === 0) moved++;
  else generations[index]!++;
  items[index] = textOf(index);
  send(`{"type":"MODIFIED","object":${items[index]}}`);
}

/** Changes due since the last look; timers of a millisecond are not to be had. */
let due = 0;
let looked = performance.now();
setInterval(() => {
  const now = performance.now();
  due += ((now - looked) * rate) / 1000;
  looked = now;
  for (; due >= 1; due--) change(1 + Math.floor(Math.random() * (slices - 1)));
}, 1);

/** The slices that a selector of one service leaves. */
function selected(query: URLSearchParams): readonly string[] {
  const service = /kubernetes\.io\/service-name=svc-(\d+)/.exec(query.get("labelSelector") ?? "")?.[1];
  return service === undefined ? items : items.slice(Number(service), Number(service) + 1);
}

function list(query: URLSearchParams): Response {
  const items = selected(query);
  const from = Number(query.get("continue") || 0);
  const to = Math.min(items.length, from + Number(query.get("limit") || items.length));
  const next = to < items.length ? `,"continue":"${to}","remainingItemCount":${items.length - to}` : "";
  const head = `{"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","metadata":{"resourceVersion":"${version}"${next}}`;
  const text = `${head},"items":[${items.slice(from, to).join(",")}]}\n`;
  counts.lists++;
  counts.bytes += text.length;
  return new Response(text, { headers: { "content-type": "application/json" } });
}

/** All there is, then the bookmark that says so: a list as a stream. */
async function sendAll(out: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
  const listed = version;
  for (let from = 0; from < items.length; from += STREAM_BATCH) {
    const lines = items.slice(from, from + STREAM_BATCH).map((item) => `{"type":"ADDED","object":${item}}\n`);
    out.enqueue(encoder.encode(lines.join("")));
    await Bun.sleep(0);
  }
  const metadata = { resourceVersion: String(listed), annotations: { "k8s.io/initial-events-end": "true" } };
  out.enqueue(encoder.encode(`${JSON.stringify({ type: "BOOKMARK", object: { kind: "EndpointSlice", metadata } })}\n`));
}

function watch(query: URLSearchParams): Response {
  counts.watches++;
  let mine: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      mine = controller;
      // Bun sends the headers with the first byte only.
      controller.enqueue(encoder.encode("\n"));
      if (query.get("sendInitialEvents") === "true") void sendAll(controller).catch(() => {});
      watches.add(controller);
      opened.resolve();
    },
    cancel: () => void watches.delete(mine),
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

async function expire(): Promise<Response> {
  opened = Promise.withResolvers();
  const started = performance.now();
  send(
    '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"}}',
  );
  for (const one of watches) one.close();
  watches.clear();
  await opened.promise;
  return Response.json(performance.now() - started);
}

async function move(via: string): Promise<Response> {
  const started = performance.now();
  change(0);
  const wanted = `${home()}:${backend}`;
  while (performance.now() - started < 10_000) {
    const seen = await fetch(via).then((answer) => answer.text());
    if (seen === wanted) return Response.json(performance.now() - started);
  }
  return Response.json("the change was not seen within 10 s", { status: 500 });
}

Bun.serve({
  hostname: "127.0.0.1",
  port,
  idleTimeout: 0,
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    switch (pathname) {
      case "/":
        return new Response("ok");
      case "/control/rate":
        rate = Number(searchParams.get("perSecond"));
        return new Response();
      case "/control/expire":
        return expire();
      case "/control/move":
        return move(searchParams.get("via")!);
      case "/control/counts":
        return Response.json(counts);
    }
    if (!pathname.endsWith("/endpointslices")) return Response.json({ kind: "Status", code: 404 }, { status: 404 });
    return searchParams.get("watch") === "true" ? watch(searchParams) : list(searchParams);
  },
});
