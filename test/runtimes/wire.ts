import { once } from "node:events";
import { connect } from "node:net";

/** An answer as it came. */
export interface WireAnswer {
  readonly status: number;
  /** Names in lower case, in their order. */
  readonly headers: readonly (readonly [string, string])[];
  /** Without its chunks' frames. */
  readonly body: Buffer;
  /** The first of that name. */
  header(name: string): string | undefined;
}

function unchunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = body.indexOf("\r\n", at);
    const size = Number.parseInt(body.subarray(at, end).toString(), 16);
    if (end === -1 || !(size > 0)) return Buffer.concat(parts);
    parts.push(body.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
}

/** Sends one request byte for byte, on a connection of its own, and reads to its end. */
export async function wire(
  url: string,
  target: string,
  {
    method = "GET",
    host = "gateway.test",
    headers = {},
  }: { method?: string; host?: string; headers?: Record<string, string> } = {},
): Promise<WireAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  const connection = headers.connection ?? "close";
  const fields = Object.entries({ host, ...headers, connection }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${target} HTTP/1.1\r\n${fields.join("")}\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer);
    if (isWhole(Buffer.concat(chunks), method)) break;
  }
  socket.destroy();
  return parse(Buffer.concat(chunks));
}

/** Servers may keep the connection although they were asked not to. */
function isWhole(all: Buffer, method: string): boolean {
  const end = all.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const { status, header } = parse(all);
  if (method === "HEAD" || status === 204 || status === 304) return true;
  if (header("transfer-encoding") === "chunked") return all.subarray(-5).toString() === "0\r\n\r\n";
  const length = header("content-length");
  return length !== undefined && all.length - end - 4 >= Number(length);
}

function parse(all: Buffer): WireAnswer {
  const end = all.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = all.subarray(0, end).toString().split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const header = (name: string): string | undefined => headers.find(([own]) => own === name)?.[1];
  const rest = all.subarray(end + 4);
  const body = header("transfer-encoding") === "chunked" ? unchunked(rest) : rest;
  return { status: Number(statusLine.split(" ")[1]), headers, body, header };
}
