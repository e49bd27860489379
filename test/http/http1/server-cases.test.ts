import { afterAll, describe, test } from "bun:test";
import { connect } from "node:net";
import { assert, assertEquals } from "@std/assert";
import { ServerConnection } from "../../../src/http/http1/server-connection.ts";
import { ServerContext } from "../../../src/http/http1/server-context.ts";
import type { ClientRequest } from "../../../src/http/message.ts";
import { problemStatus } from "../../../src/http/problem.ts";
import { listenBunStream } from "../../../src/platform/bun/streams.ts";
import { collect } from "../../helpers/body.ts";
import { FakeSocket } from "../../helpers/fake-socket.ts";
import { until } from "../../helpers/wait.ts";
import { type ReadRequest, readStream } from "./read-stream.ts";
import { REQUEST_CASES, type RequestCase } from "./request-cases.ts";
import { answerOf, DATE, recorded, settled } from "./server-rig.ts";

const CONTINUE = { status: 100, statusText: "", headers: new Headers() };
const hexOf = (text: string): string => Buffer.from(text, "latin1").toString("hex");
const said = (method: string, target: string, body: string): string => `<${method} ${hexOf(target)} ${hexOf(body)}>`;

/** Answers with what was asked. */
async function handler(request: ClientRequest) {
  if (request.expectsContinue) request.interim!(CONTINUE);
  const { text } = await collect(request.body);
  return answerOf(said(request.method, request.url, text));
}

const { context: recording } = recorded(handler);
const context = new ServerContext({
  ...recording.options,
  refuse: ({ problem, status, detail }) => answerOf(detail, [], status ?? problemStatus(problem)),
});

/** What a client reads: of each answer its status and, of one by the handler, its body; `last`: the end behind it. */
function answersTo({ bytes }: RequestCase): { answers: string[]; last: boolean } {
  const { requests, end } = readStream([bytes]);
  const answers: string[] = [];
  const answer = ({ method, target, body }: ReadRequest): void => {
    answers.push(`200 ${method === "HEAD" ? "" : said(method, target, body)}`);
  };
  for (const [at, request] of requests.entries()) {
    answer(request);
    // What is behind an upgrade that is not granted is none of HTTP's.
    const behind = at < requests.length - 1 || end !== undefined;
    if (!request.persistent || (request.upgrade !== "" && behind)) return { answers, last: true };
  }
  if (typeof end !== "object") return { answers, last: false };
  answers.push(`${end.status} `);
  return { answers, last: true };
}

/** The same of what was read. */
function answersIn(text: string): string[] {
  return text
    .replaceAll("HTTP/1.1 100 Continue\r\n\r\n", "")
    .split(/(?=HTTP\/1\.1 )/)
    .map((answer) => {
      const [head, body] = answer.split("\r\n\r\n");
      const status = head!.slice(9, 12);
      return `${status} ${status === "200" ? body : ""}`;
    })
    .filter((answer) => answer !== " ");
}

describe("over a connection in memory", () => {
  test.each(REQUEST_CASES.map((one) => [one.section, one.what, one] as const))(
    "by RFC section %s: %s",
    async (_, __, one) => {
      const { answers, last } = answersTo(one);
      for (const cut of [one.bytes.length, one.bytes.length >> 1, one.bytes.length - 1, 1]) {
        const socket = new FakeSocket();
        const connection = new ServerConnection(socket, context);
        await settled();
        socket.receive(one.bytes.slice(0, cut));
        await settled();
        socket.receive(one.bytes.slice(cut));
        await until(() => answersIn(socket.taken).length >= answers.length && (!last || socket.ends.length > 0), {
          message: () => `${socket.taken} for ${JSON.stringify(answers)}`,
          timeout: 5000,
          interval: 1,
        });
        assertEquals([answersIn(socket.taken), connection.phase === "lingering"], [answers, last], `cut at ${cut}`);
        if (last) assert(socket.taken.replaceAll(DATE, "").lastIndexOf("Connection: close\r\n") > 0);
      }
    },
  );
});

const closing: { close(): void }[] = [];
afterAll(() => {
  for (const { close } of closing) close();
});

test("over sockets each request is answered alike, and nothing behind one that is refused", async () => {
  const connection = (socket: ConstructorParameters<typeof ServerConnection>[0]) => {
    new ServerConnection(socket, context);
  };
  const listener = await listenBunStream(
    { host: "127.0.0.1", port: 0 },
    { connection, admits: () => true, refused() {} },
  );
  closing.push(listener);
  for (const one of REQUEST_CASES) {
    const { answers, last } = answersTo(one);
    const client = connect({ host: "127.0.0.1", port: listener.port, allowHalfOpen: true });
    let text = "";
    let ended = false;
    client.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
    });
    client.on("end", () => {
      ended = true;
    });
    client.on("error", () => {});
    client.write(Buffer.from(one.bytes, "latin1"));
    await until(() => (last ? ended : answersIn(text).length >= answers.length), {
      message: () => `${one.what}: ${text} for ${JSON.stringify(answers)}`,
      timeout: 5000,
      interval: 1,
    });
    assertEquals(answersIn(text), answers, one.what);
    client.destroy();
  }
});
