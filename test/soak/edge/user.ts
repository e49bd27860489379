import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Random } from "../../../src/base/clock.ts";
import { MessageReader } from "./message-reader.ts";
import { isNoise } from "./noise.ts";
import { downBody, type Exchange, pathOf, upBody } from "./plan.ts";
import { framingField, sendBody } from "./send-body.ts";

/** Milliseconds after which an exchange has hung. */
const PATIENCE_MS = 60_000;
const PIPELINED = 4;
/** A slow reader takes so much, then waits so many milliseconds. */
const SIP = 100_000;
const SIP_MS = 5;

/** One answer, as far as it has come. */
interface Got {
  status: number;
  fields: ReadonlyMap<string, string>;
  size: number;
  whole: boolean;
}

/** A client with one connection at a time, which checks every byte that it gets. */
export class User {
  readonly #port: number;
  readonly #random: Random;
  readonly #problem: (what: string) => void;
  #socket: Socket | undefined;
  #exchange!: Exchange;
  #answers: Got[] = [];
  #interim = 0;
  #sinceSip = 0;
  #changed: () => void = () => {};

  constructor(port: number, random: Random, problem: (what: string) => void) {
    this.#port = port;
    this.#random = random;
    this.#problem = problem;
  }

  /** Makes the request and checks what comes of it. */
  async run(exchange: Exchange): Promise<void> {
    this.#exchange = exchange;
    this.#answers = [];
    this.#interim = 0;
    this.#sinceSip = 0;
    const socket = this.#socket ?? (await this.#connect());
    try {
      await this.#play(socket, exchange);
    } catch (error) {
      this.#problem(`${exchange.kind} ${exchange.id}: ${error instanceof Error ? error.message : error}`);
      socket.destroy();
    }
    const last = this.#answers.at(-1);
    if (last?.fields.get("connection")?.toLowerCase() === "close") socket.destroy();
    if (socket.destroyed || socket.readableEnded) this.#socket = undefined;
  }

  /** Closes its connection. */
  leave(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #connect(): Promise<Socket> {
    const socket = connect(this.#port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    this.#socket = socket;
    const reader = new MessageReader({
      head: (line, fields) => {
        const status = Number(line.split(" ")[1]);
        if (status === 101) {
          this.#answers.push({ status, fields, size: 0, whole: false });
          return "tunnel";
        }
        if (status < 200) this.#interim++;
        else this.#answers.push({ status, fields, size: 0, whole: false });
        const none = status < 200 || status === 204 || this.#exchange.kind === "head";
        return none ? "none" : "framed";
      },
      data: (bytes) => this.#data(bytes),
      end: () => {
        const last = this.#answers.at(-1);
        if (last !== undefined) last.whole = true;
      },
    });
    socket.on("data", (bytes: Buffer) => {
      try {
        reader.feed(bytes);
      } catch (error) {
        this.#problem(`${this.#exchange.kind} ${this.#exchange.id}: ${error}`);
        socket.destroy();
      }
      this.#sip(socket, bytes.length);
      this.#changed();
    });
    socket.on("close", () => {
      reader.close();
      this.#changed();
    });
    return socket;
  }

  #data(bytes: Uint8Array): void {
    const answer = this.#answers.at(-1)!;
    const { kind, id } = this.#exchange;
    const back = kind === "echo" || kind === "tunnel";
    const body = back ? upBody(id) : downBody(id, this.#answers.length - 1);
    const expected = answer.status === 200 || answer.status === 413 || answer.status === 101;
    if (expected && !isNoise(body, answer.size, bytes)) throw new Error(`other bytes at ${answer.size}`);
    answer.size += bytes.length;
  }

  #sip(socket: Socket, size: number): void {
    if (this.#exchange.kind !== "slow") return;
    this.#sinceSip += size;
    if (this.#sinceSip < SIP) return;
    this.#sinceSip = 0;
    socket.pause();
    setTimeout(() => socket.resume(), SIP_MS);
  }

  /** Resolves once the condition holds; a connection that ends before is an error unless `orGone`. */
  async #until(socket: Socket, condition: () => boolean, what: string, orGone = false): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (socket.destroyed || socket.closed) {
        if (orGone) return;
        throw new Error(`the connection ended before ${what}`);
      }
      if (performance.now() > deadline)
        throw new Error(`no ${what} within ${PATIENCE_MS} ms: ${JSON.stringify(this.#answers)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #request(method: string, exchange: Exchange, lines: readonly string[], nth = 0): string {
    return [`${method} ${pathOf(exchange, nth)} HTTP/1.1`, "host: soak.test", ...lines, "", ""].join("\r\n");
  }

  async #play(socket: Socket, exchange: Exchange): Promise<void> {
    const { kind, id, up, down, upFraming, cut } = exchange;
    const framed = [framingField(upFraming, up)];
    const upload = { body: upBody(id), size: up, framing: upFraming };
    const whole =
      (count = 1) =>
      (): boolean =>
        this.#answers.length === count && this.#answers.every((answer) => answer.whole);
    switch (kind) {
      case "get":
      case "slow":
      case "head":
      case "empty":
        socket.write(this.#request(kind === "head" ? "HEAD" : "GET", exchange, []));
        await this.#until(socket, whole(), "an answer");
        return this.#expect(kind === "empty" ? 204 : 200, kind === "head" || kind === "empty" ? 0 : down);
      case "pipelined":
        socket.write(Array.from({ length: PIPELINED }, (_, nth) => this.#request("GET", exchange, [], nth)).join(""));
        await this.#until(socket, whole(PIPELINED), `${PIPELINED} answers`);
        return this.#expect(200, down);
      case "post":
        socket.write(this.#request("POST", exchange, framed));
        await sendBody(socket, upload, this.#random);
        await this.#until(socket, whole(), "an answer");
        return this.#expect(200, down, up);
      case "expect":
        socket.write(this.#request("PUT", exchange, [...framed, "expect: 100-continue"]));
        await this.#until(socket, () => this.#interim > 0 || this.#answers.length > 0, "100 Continue");
        await sendBody(socket, upload, this.#random);
        await this.#until(socket, whole(), "an answer");
        return this.#expect(200, down, up);
      case "echo":
        socket.write(this.#request("POST", exchange, framed));
        await sendBody(socket, upload, this.#random);
        await this.#until(socket, whole(), "the echo");
        return this.#expect(200, up);
      case "early":
        socket.write(this.#request("POST", exchange, framed));
        await Promise.race([
          sendBody(socket, { ...upload, until: Math.max(0, up - 1) }, this.#random),
          this.#until(socket, whole(), "an early answer"),
        ]);
        await this.#until(socket, whole(), "an early answer");
        this.#expect(413, down);
        return void socket.destroy();
      case "leaves-upload":
        socket.write(this.#request("POST", exchange, framed));
        await sendBody(socket, { ...upload, until: Math.min(cut, up - 1) }, this.#random);
        return void socket.destroy();
      case "leaves-download":
        socket.write(this.#request("GET", exchange, []));
        await this.#until(socket, () => (this.#answers[0]?.size ?? 0) > cut || whole()(), "some of an answer");
        return void socket.destroy();
      case "pod-resets": {
        socket.write(this.#request("GET", exchange, []));
        await this.#until(socket, whole(), "an end", true);
        const [answer] = this.#answers;
        if (answer?.whole && answer.status !== 502)
          throw new Error(`an answer that broke off looked whole: ${answer.status}`);
        return;
      }
      case "tunnel":
        return this.#tunnel(socket, exchange);
    }
  }

  async #tunnel(socket: Socket, exchange: Exchange): Promise<void> {
    const { id, up } = exchange;
    socket.write(this.#request("GET", exchange, ["connection: upgrade", "upgrade: soak"]));
    await this.#until(socket, () => this.#answers.length > 0, "101");
    if (this.#answers[0]!.status !== 101) throw new Error(`${this.#answers[0]!.status} instead of 101`);
    await sendBody(socket, { body: upBody(id), size: up, framing: "close" }, this.#random);
    await this.#until(socket, () => this.#answers[0]!.size >= up, "all of it back");
    socket.end();
    await this.#until(socket, () => socket.destroyed || socket.closed, "the end of the tunnel", true);
    if (this.#answers[0]!.size !== up) throw new Error(`${this.#answers[0]!.size} bytes came back of ${up}`);
  }

  #expect(status: number, size: number, got?: number): void {
    for (const answer of this.#answers) {
      if (answer.status !== status || answer.size !== size)
        throw new Error(`${answer.status} with ${answer.size} bytes instead of ${status} with ${size}`);
      const told = answer.fields.get("x-got");
      if (got !== undefined && told !== String(got)) throw new Error(`the pod got ${told} bytes of ${got}`);
    }
  }
}
