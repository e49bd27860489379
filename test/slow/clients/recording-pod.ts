import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Body, MessageReader } from "../../soak/edge/message-reader.ts";

/** What a pod got: the request line, its field lines as they came, and the sum of its body. */
export interface Recorded {
  readonly line: string;
  readonly fields: readonly string[];
  readonly size: number;
  readonly sum: string;
}

/** A pod that records what it gets and answers by the path. */
export interface RecordingPod {
  readonly port: number;
  readonly requests: Recorded[];
  stop(): void;
}

/** Twenty megabytes of which no two lines are alike. */
export const LARGE: Buffer = Buffer.from(
  Array.from({ length: 1_000_000 }, (_, i) => `line ${String(i).padStart(13, "0")}\n`).join(""),
);
/** Every byte there is. */
export const BINARY: Buffer = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

const DATE = "Date: Tue, 01 Dec 2026 00:00:00 GMT";
const answer = (status: string, lines: readonly string[], body: string | Buffer = ""): Buffer =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 ${status}\r\n${[DATE, ...lines].join("\r\n")}\r\n\r\n`, "latin1"),
    Buffer.from(body as string),
  ]);
const whole = (status: string, body: string | Buffer, ...lines: string[]): Buffer =>
  answer(status, [`Content-Length: ${body.length}`, ...lines], body);

/** What is answered, by the path. */
const ANSWERS: Readonly<Record<string, () => Buffer>> = {
  "/large": () => whole("200 OK", LARGE, "Content-Type: text/plain"),
  "/binary": () => whole("200 OK", BINARY, "content-TYPE: application/octet-stream", "X-B: 2", "x-a: 1", "X-B: 3"),
  "/chunks": () =>
    answer("200 Fine", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n0\r\n\r\n"),
  "/trailers": () =>
    answer("200 OK", ["Trailer: X-Sum", "Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"),
  "/close": () => answer("200 OK", ["Connection: close"], "until the end"),
  "/cookies": () => whole("200 OK", "c", "Set-Cookie: a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT", "Set-Cookie: b=2"),
  "/reason": () => whole("404 Nothing Of That Name", "no"),
  "/odd": () => whole("299 Odd", "odd"),
  "/redirect": () => whole("302 Found", "", "Location: /binary?after#there"),
  "/204": () => answer("204 No Content", ["ETag: x"]),
  "/304": () => answer("304 Not Modified", ["ETag: x", "Content-Length: 77"]),
  "/hints": () =>
    Buffer.concat([Buffer.from("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"), whole("200 OK", "hinted")]),
  "/error": () => whole("500 Oops", "broken"),
};

/** Starts one on a port of its own. */
export async function recordingPod(): Promise<RecordingPod> {
  const requests: Recorded[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let line = "";
    let fields: string[] = [];
    let size = 0;
    let sum = createHash("sha256");
    const reader = new MessageReader({
      head(first, _, lines): Body {
        line = first;
        fields = [...lines];
        size = 0;
        sum = createHash("sha256");
        if (fields.some((field) => /^expect: *100-continue/i.test(field)))
          socket.write("HTTP/1.1 100 Continue\r\n\r\n");
        return "framed";
      },
      data(bytes) {
        size += bytes.length;
        sum.update(bytes);
      },
      end() {
        requests.push({ line, fields, size, sum: sum.digest("hex") });
        const [method, target = ""] = line.split(" ");
        const path = target.split("?")[0]!;
        const bytes = (ANSWERS[path] ?? (() => whole("200 OK", `${method} ${target} ${size}`)))();
        const head = bytes.indexOf("\r\n\r\n") + 4;
        socket.write(method === "HEAD" ? bytes.subarray(0, head) : bytes);
        if (path === "/close") socket.end();
      },
    });
    socket.on("data", (bytes: Buffer) => reader.feed(bytes));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
