import type { Socket } from "node:net";
import type { Random } from "../../../src/base/clock.ts";
import { listenTcp, type TcpServer } from "../../helpers/tcp-server.ts";
import { type Body, MessageReader } from "./message-reader.ts";
import { isNoise } from "./noise.ts";
import { downBody, planOf, upBody } from "./plan.ts";
import { framingField, sendBody } from "./send-body.ts";

/** A pod that does to each request what its path says, and checks every byte it gets; `problem` is called with what it found wrong. */
export const startSoakPod = (random: Random, problem: (what: string) => void): Promise<TcpServer> =>
  listenTcp((socket) => {
    const connection = new PodConnection(socket, random, problem);
    socket.on("data", (bytes: Buffer) => connection.feed(bytes));
    socket.on("end", () => socket.end());
  }, true);

class PodConnection {
  readonly #socket: Socket;
  readonly #random: Random;
  readonly #problem: (what: string) => void;
  readonly #reader: MessageReader;
  #plan = planOf("/");
  #got = 0;

  constructor(socket: Socket, random: Random, problem: (what: string) => void) {
    this.#socket = socket;
    this.#random = random;
    this.#problem = problem;
    this.#reader = new MessageReader({
      head: (line, fields) => this.#head(line, fields),
      data: (bytes) => this.#data(bytes),
      end: () => this.#end(),
    });
  }

  feed(bytes: Uint8Array): void {
    try {
      this.#reader.feed(bytes);
    } catch (error) {
      this.#problem(`a pod got what is no request: ${error}`);
      this.#socket.destroy();
    }
  }

  #head(line: string, fields: ReadonlyMap<string, string>): Body {
    const [, path = ""] = line.split(" ");
    this.#plan = planOf(path);
    this.#got = 0;
    const { kind, id, down } = this.#plan;
    if (Number.isNaN(id)) throw new Error(line);
    const socket = this.#socket;
    if (fields.has("expect")) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
    if (kind === "echo") socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    if (kind === "early") {
      socket.write(`HTTP/1.1 413 Too Much\r\ncontent-length: ${down}\r\nconnection: close\r\n\r\n`);
      void sendBody(socket, { body: downBody(id), size: down, framing: "length" }, this.#random);
    }
    if (kind !== "tunnel") return "framed";
    socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: soak\r\n\r\n");
    return "tunnel";
  }

  #data(bytes: Uint8Array): void {
    const { id, kind } = this.#plan;
    if (!isNoise(upBody(id), this.#got, bytes)) this.#problem(`${kind} ${id}: the pod got other bytes at ${this.#got}`);
    this.#got += bytes.length;
    const socket = this.#socket;
    if (kind === "echo") socket.write(`${bytes.length.toString(16)}\r\n`);
    if (kind === "echo" || kind === "tunnel") {
      // What came is reused by the runtime once this returns.
      if (!socket.write(Uint8Array.from(bytes))) {
        socket.pause();
        socket.once("drain", () => socket.resume());
      }
    }
    if (kind === "echo") socket.write("\r\n");
  }

  #end(): void {
    const { kind, id, up } = this.#plan;
    const socket = this.#socket;
    if (kind === "leaves-upload") this.#problem(`${kind} ${id}: half an upload looked whole to the pod`);
    if (kind === "early" || kind === "tunnel") return;
    const wanted = ["post", "echo", "expect"].includes(kind) ? up : 0;
    if (this.#got !== wanted) this.#problem(`${kind} ${id}: the pod got ${this.#got} bytes of ${wanted}`);
    if (kind === "echo") socket.write("0\r\n\r\n");
    else if (kind === "empty") socket.write("HTTP/1.1 204 No Content\r\n\r\n");
    else if (kind === "head") socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${this.#plan.down}\r\n\r\n`);
    else void this.#answer();
  }

  async #answer(): Promise<void> {
    const { kind, id, down, downFraming, cut, nth } = this.#plan;
    const socket = this.#socket;
    socket.write(`HTTP/1.1 200 OK\r\n${framingField(downFraming, down)}\r\nx-got: ${this.#got}\r\n\r\n`);
    const resets = kind === "pod-resets";
    const sent = { body: downBody(id, nth), size: down, framing: downFraming, until: resets ? cut : down };
    await sendBody(socket, sent, this.#random);
    if (resets) socket.resetAndDestroy();
    else if (downFraming === "close") socket.end();
  }
}
