import type { Clock } from "../base/clock.ts";

/** Who answers, and the clock of `/delay` and `/sse`. */
export interface EchoOptions {
  /** The pod's name, which every answer has. */
  readonly pod: string;
  readonly clock: Clock;
}

/** Answers a request; `peer` is the address of the connection's other end. */
export type EchoHandler = (request: Request, peer?: string) => Promise<Response>;

/** The longest `/delay`, ms: an answer later than any client waits is only a leak. */
const MAX_DELAY = 300_000;

/** The most lines or events of one stream. */
const MAX_STREAM = 1_000_000;

const SSE_INTERVAL = 1000;

const encoder = new TextEncoder();

/** Statuses whose answers have no body (RFC 9110 sections 15.3.5 and 15.4.5; 205 likewise). */
const BODILESS = new Set([204, 205, 304]);

/** One value or, where a name comes several times, a list: as httpbin shows it. */
function argsOf(query: URLSearchParams): Record<string, string | string[]> {
  const args: Record<string, string | string[]> = {};
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name);
    args[name] = values.length === 1 ? values[0]! : values;
  }
  return args;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const whole = (text: string | undefined, most: number): number | undefined =>
  text !== undefined && /^[0-9]{1,7}$/.test(text) && Number(text) <= most ? Number(text) : undefined;

/**
 * An upstream for demos, tests and benches that tells what reached it, in the shape of httpbin's `/anything`, with the
 * pod's name. `/status/N` answers that status, `/delay/MS` answers later, `/stream/N` sends N lines of JSON one by one,
 * `/sse?count=N&interval=MS` sends events (without a count: until the client leaves), `/ws` is for a WebSocket (`createEchoPod`).
 * Every other path echoes.
 */
export function createEcho({ pod, clock }: EchoOptions): EchoHandler {
  const named = { "x-pod": pod };

  const json = (value: unknown, status = 200): Response =>
    new Response(`${JSON.stringify(value, null, 2)}\n`, {
      status,
      headers: { "content-type": "application/json", ...named },
    });

  async function anything(request: Request, url: URL, peer: string | undefined): Promise<Response> {
    const data = await request.text();
    const forwarded = request.headers.get("x-forwarded-for");
    return json({
      method: request.method,
      url: request.url,
      path: url.pathname,
      args: argsOf(url.searchParams),
      headers: Object.fromEntries(request.headers),
      data,
      json: jsonOf(data),
      origin: forwarded ?? peer ?? "",
      pod,
    });
  }

  /** Sends what `next` makes, one chunk at a time, until it makes nothing more or the client is gone. */
  function stream(type: string, next: (index: number, signal: AbortSignal) => Promise<string | undefined>): Response {
    let index = 0;
    const gone = new AbortController();
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(out) {
          const text = await next(index++, gone.signal).catch(() => undefined);
          if (text !== undefined) out.enqueue(encoder.encode(text));
          else if (!gone.signal.aborted) out.close();
        },
        cancel: () => gone.abort(),
      },
      { highWaterMark: 0 },
    );
    return new Response(body, { headers: { "content-type": type, "cache-control": "no-store", ...named } });
  }

  const lines = (count: number): Response =>
    stream("application/json", async (id) => (id < count ? `${JSON.stringify({ id, pod })}\n` : undefined));

  function events(query: URLSearchParams): Response {
    const count = whole(query.get("count") ?? undefined, MAX_STREAM) ?? MAX_STREAM;
    const interval = whole(query.get("interval") ?? undefined, MAX_DELAY) ?? SSE_INTERVAL;
    return stream("text/event-stream", async (id, signal) => {
      if (id >= count) return undefined;
      if (id > 0) await clock.sleep(interval, signal);
      return `id: ${id}\ndata: ${JSON.stringify({ id, pod })}\n\n`;
    });
  }

  function noWebSocket(): Response {
    const answer = json({ error: "/ws: this is a WebSocket", pod }, 426);
    answer.headers.set("upgrade", "websocket");
    return answer;
  }

  return async function echo(request, peer) {
    const url = new URL(request.url);
    const [, first, second, more] = url.pathname.split("/");
    const wrong = (what: string): Response => json({ error: `${url.pathname}: ${what}`, pod }, 400);
    if (more !== undefined) return anything(request, url, peer);
    switch (first) {
      case "status": {
        const status = whole(second, 599);
        if (status === undefined || status < 200) return wrong("a status is a number from 200 to 599");
        if (BODILESS.has(status)) return new Response(null, { status, headers: named });
        return json({ status, pod }, status);
      }
      case "delay": {
        const ms = whole(second, MAX_DELAY);
        if (ms === undefined) return wrong(`a delay is a number of milliseconds, at most ${MAX_DELAY}`);
        await clock.sleep(ms, request.signal);
        return anything(request, url, peer);
      }
      case "stream": {
        const count = whole(second, MAX_STREAM);
        return count === undefined ? wrong(`a stream has a number of lines, at most ${MAX_STREAM}`) : lines(count);
      }
      case "sse":
        return events(url.searchParams);
      case "ws":
        return noWebSocket();
      default:
        return anything(request, url, peer);
    }
  };
}
