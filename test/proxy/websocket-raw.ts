import { createHash } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { until } from "../helpers/wait.ts";

/** A frame as it was on the wire. */
export interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Buffer;
}

/** A frame's bytes (RFC 6455 section 5.2), masked as a client's unless told otherwise. */
export function frame(opcode: number, payload: Buffer | string = "", { fin = true, masked = true } = {}): Buffer {
  const data = Buffer.from(payload as string);
  const long = data.length > 65_535;
  const head = Buffer.alloc(data.length < 126 ? 2 : long ? 10 : 4);
  head[0] = (fin ? 128 : 0) | opcode;
  head[1] = (masked ? 128 : 0) | (data.length < 126 ? data.length : long ? 127 : 126);
  if (long) head.writeBigUInt64BE(BigInt(data.length), 2);
  else if (data.length > 125) head.writeUInt16BE(data.length, 2);
  if (!masked) return Buffer.concat([head, data]);
  const mask = Buffer.from([0x5a, 0x01, 0xff, 0x33]);
  return Buffer.concat([head, mask, data.map((byte, i) => byte ^ mask[i & 3]!)]);
}

/** The payload of a close frame. */
export const closing = (code: number, reason = ""): Buffer =>
  Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);

/** Takes whole frames from the beginning of `bytes`; the rest is given back. */
export function takeFrames(bytes: Buffer, into: Frame[]): Buffer {
  let rest = bytes;
  for (;;) {
    if (rest.length < 2) return rest;
    const short = rest[1]! & 127;
    const masked = (rest[1]! & 128) !== 0;
    let at = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (rest.length < at) return rest;
    const size = short === 127 ? Number(rest.readBigUInt64BE(2)) : short === 126 ? rest.readUInt16BE(2) : short;
    const mask = masked ? rest.subarray(at, at + 4) : undefined;
    at += masked ? 4 : 0;
    if (rest.length < at + size) return rest;
    const payload = Buffer.from(rest.subarray(at, at + size));
    into.push({
      fin: rest[0]! >= 128,
      opcode: rest[0]! & 15,
      masked,
      payload: mask === undefined ? payload : Buffer.from(payload.map((byte, i) => byte ^ mask[i & 3]!)),
    });
    rest = rest.subarray(at + size);
  }
}

/** One end of a connection, frame by frame. */
export interface RawSocket {
  /** What came before the frames: a request's head at a pod, the answer's at a client. */
  readonly head: string;
  readonly frames: readonly Frame[];
  readonly socket: Socket;
  /** The connection ended. */
  closed(): boolean;
  send(...frames: Buffer[]): void;
  /** The n-th frame of that type, once it is there. */
  next(opcode: number, index?: number): Promise<Frame>;
  /** The code that ended it: 1005 for a close frame without one, 1006 where none came. And its reason. */
  ending(): Promise<readonly [number, string]>;
}

function follow(socket: Socket, onHead: (raw: RawSocket) => void): RawSocket {
  const frames: Frame[] = [];
  let closed = false;
  let head = "";
  let rest = Buffer.alloc(0);
  const raw: RawSocket = {
    get head() {
      return head;
    },
    frames,
    socket,
    closed: () => closed,
    send: (...list) => void socket.write(Buffer.concat(list)),
    next: (opcode, index = 0) =>
      until(() => frames.filter((one) => one.opcode === opcode)[index], {
        interval: 2,
        message: () => `no frame ${opcode}; there are ${frames.map((one) => `${one.opcode}: ${one.payload}`)}`,
      }),
    ending: () =>
      until(
        () => {
          const end = frames.find((one) => one.opcode === 8);
          if (end === undefined) return closed && ([1006, ""] as const);
          if (end.payload.length === 0) return [1005, ""] as const;
          return [end.payload.readUInt16BE(0), end.payload.subarray(2).toString()] as const;
        },
        { interval: 2, message: "the socket stays open" },
      ),
  };
  socket.on("data", (data: Buffer) => {
    rest = Buffer.concat([rest, data]);
    if (head === "") {
      const end = rest.indexOf("\r\n\r\n");
      if (end === -1) return;
      head = rest.subarray(0, end).toString("latin1");
      rest = Buffer.from(rest.subarray(end + 4));
      onHead(raw);
    }
    rest = Buffer.from(takeFrames(rest, frames));
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
  });
  return raw;
}

/** The header of a head, or undefined. */
export const field = (head: string, name: string): string | undefined =>
  head
    .split("\r\n")
    .find((line) => line.toLowerCase().startsWith(`${name}:`))
    ?.slice(name.length + 1)
    .trim();

/** The lines of a handshake; those given replace or follow them. */
export const handshake = (path: string, lines: readonly string[] = []): string => {
  const names = new Set(lines.map((line) => line.split(":")[0]!.toLowerCase()));
  const usual = [
    "Host: gateway.test",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ].filter((line) => !names.has(line.split(":")[0]!.toLowerCase()));
  const given = lines.filter((line) => !line.endsWith(":"));
  return [`GET ${path} HTTP/1.1`, ...usual, ...given, "", ""].join("\r\n");
};

/** A WebSocket client; resolves with the answer's head, whatever that says. */
export async function rawSocket(url: string, path = "/", lines: readonly string[] = []): Promise<RawSocket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const raw = follow(socket, () => {});
  socket.write(handshake(path, lines));
  await until(() => raw.head !== "" || raw.closed(), { interval: 2, message: "no answer to the handshake" });
  return raw;
}

/** A pod that speaks frames. */
export interface RawPod extends Disposable {
  readonly port: number;
  readonly sockets: readonly RawSocket[];
  /** The n-th WebSocket, once it is open. */
  socket(index?: number): Promise<RawSocket>;
}

/** Starts a pod that accepts every handshake, or gives the answer that `answer` makes of it (`undefined`: stays silent). */
export async function rawSocketPod(
  answer: (head: string, accept: string) => string | undefined = (_head, accept) => switching(accept),
): Promise<RawPod> {
  const sockets: RawSocket[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    follow(socket, (raw) => {
      const key = field(raw.head, "sec-websocket-key");
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      const text = answer(raw.head, accept);
      if (text !== undefined) socket.write(Buffer.from(text, "latin1"));
      sockets.push(raw);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    sockets,
    socket: (index = 0) => until(() => sockets[index], { interval: 2, message: "no WebSocket at the pod" }),
    [Symbol.dispose]() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** The answer that accepts a handshake. */
export const switching = (accept: string, ...lines: string[]): string =>
  [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    ...lines,
    "",
    "",
  ].join("\r\n");
