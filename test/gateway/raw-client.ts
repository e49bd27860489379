import { connect, type Socket } from "node:net";

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One connection of a client that keeps it alive, so that a test decides when it is opened and used. */
export interface RawClient {
  get(path: string): Promise<RawAnswer>;
  /** Sends a text, and waits for nothing. */
  send(text: string): void;
  /** Resolves when the other end closed it. */
  readonly closed: Promise<void>;
  close(): void;
}

/** The answer in `text`, and whether it is whole. Bodies have a length or come in chunks. */
function parse(text: string): RawAnswer | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const body = text.slice(end + 4);
  const status = Number(statusLine.split(" ")[1]);
  if (headers["transfer-encoding"] === "chunked") {
    if (!body.endsWith("0\r\n\r\n")) return undefined;
    return { status, headers, body: body.replace(/[0-9a-f]+\r\n([^\r]*)\r\n/gi, "$1").trimEnd() };
  }
  return body.length >= Number(headers["content-length"]) ? { status, headers, body } : undefined;
}

/** Opens a connection; rejects when it is refused. */
export async function rawClient(url: string): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  let text = "";
  let waiting: { resolve(answer: RawAnswer): void; reject(error: Error): void } | undefined;
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = connect(Number(port), hostname, () => resolve(opening)).once("error", reject);
  });
  socket.on("data", (chunk) => {
    text += chunk.toString();
    const answer = parse(text);
    if (answer === undefined) return;
    text = "";
    waiting?.resolve(answer);
    waiting = undefined;
  });
  const closed = new Promise<void>((resolve) => {
    const gone = (): void => {
      waiting?.reject(new Error(`closed before the answer was whole: ${JSON.stringify(text)}`));
      waiting = undefined;
      socket.destroy();
      resolve();
    };
    for (const event of ["end", "error", "close"]) socket.on(event, gone);
  });
  return {
    get(path) {
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(`GET ${path} HTTP/1.1\r\nhost: gateway.test\r\n\r\n`);
      });
    },
    send: (text) => void socket.write(text),
    closed,
    close: () => socket.destroy(),
  };
}
