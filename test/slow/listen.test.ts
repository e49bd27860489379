import { describe, test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { setBodyState } from "../../src/base/body-state.ts";
import { fetchAnswer } from "../../src/http/fetch/answer.ts";
import { problem } from "../../src/http/problem.ts";
import { openServer } from "../../src/platform/bun/listen.ts";
import { until } from "../helpers/wait.ts";
import { type Client, client } from "../streams/support.ts";

/** Seconds; Bun looks at its connections every four. */
const KEEP_ALIVE = 4;
const QUIET_MS = 14_000;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

/** An answer of two pieces with a long silence between them, whose end is told of. */
function quiet(): Response {
  const state = { onEnd: undefined as (() => void) | undefined };
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue("first");
      await Bun.sleep(QUIET_MS);
      controller.enqueue("last");
      state.onEnd?.();
      controller.close();
    },
  });
  const answer = new Response(body);
  setBodyState(answer, state);
  return answer;
}

function answer(request: Request): Response | Promise<Response> {
  return request.url.endsWith("/quiet-at-once") ? quiet() : answerLater(request);
}

async function answerLater(request: Request): Promise<Response> {
  const { url } = request;
  if (url.endsWith("/quiet")) return quiet();
  if (url.endsWith("/slow")) await Bun.sleep(QUIET_MS);
  return fetchAnswer(request, problem("no_route", "over"));
}

/** Plays it on a connection of its own: it must not be closed before `last` came, and must be soon after. */
const plays: readonly (readonly [name: string, sent: string, last: string])[] = [
  ["that has said nothing", "", ""],
  ["that has sent half a head", "GET / HTTP/1.1\r\nhost: x\r\nx-a: a", ""],
  ["that has had its answer", get("/"), "over"],
  ["that sends half a head after its answer", `${get("/")}GET / HTTP/1.1\r\nho`, "over"],
  ["whose pod was slow", get("/slow"), "over"],
  ["whose answer was silent for long", get("/quiet"), "last\r\n0\r\n\r\n"],
  ["whose answer, given at once, was silent for long", get("/quiet-at-once"), "last\r\n0\r\n\r\n"],
];

describe("the listener on Bun", () => {
  for (const [name, sent, last] of plays) {
    test.concurrent(`closes a connection ${name}, and not before`, async () => {
      const server = openServer({ host: "127.0.0.1", port: 0 }, answer, undefined, { keepAlive: KEEP_ALIVE });
      using peer: Client = await client(server.port);
      peer.socket.write(sent);
      await until(() => peer.closed !== undefined || peer.ended, { timeout: 60_000, message: "it is closed" });
      assertStringIncludes(peer.text.slice(-40), last);
      assertEquals(peer.text === "", last === "");
      await server.stop(0);
    });
  }
});
