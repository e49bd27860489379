import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { seededRandom } from "../helpers/random.ts";
import { until } from "../helpers/wait.ts";
import { rawClient } from "../proxy/helpers.ts";
import { ABUSE } from "./abuse.ts";
import { GROUPS } from "./probes/all.ts";
import type { Probe } from "./probes/probe.ts";
import { type FramingPod, framedGateway, PROBES, parseAnswers, portOf } from "./support.ts";

/** What is asked behind a probe, in the same segment. */
const NEXT = "GET /after HTTP/1.1\r\nHost: after.test\r\n\r\n";
/** What came of a probe: the final answers on its connection, whether that ended, and what its pod got whole. */
interface Outcome {
  readonly answers: readonly { readonly status: number; readonly body: string }[];
  readonly closed: boolean;
  readonly upstream: FramingPod["requests"];
}

const under = framedGateway();

/** Sends the pieces one by one and waits for two answers or the connection's end. */
async function send(pieces: readonly string[], heads: boolean): Promise<Outcome> {
  under.pod.clear();
  const client = await rawClient(portOf(under.gateway));
  client.socket.setNoDelay(true);
  for (const piece of pieces) {
    client.send(piece);
    if (pieces.length > 1) await new Promise((resolve) => setImmediate(resolve));
  }
  const finals = () => finalAnswers(client.received(), heads);
  await until(() => client.closed() || finals().length >= 2, {
    interval: 1,
    timeout: 8000,
    message: () => `two answers or the connection to end, got ${JSON.stringify(client.received().slice(0, 300))}`,
  });
  // Another client's round trip: what was on its way to the pod has come.
  await until(async () => (await under.gateway.fetch("/alive")).status === 200, { message: "the gateway to answer" });
  const outcome = { answers: finals(), closed: client.closed(), upstream: under.pod.requests.filter(isProbed) };
  client.socket.destroy();
  return outcome;
}

/** The answers without interim ones; `heads`: the first of them has no body. */
function finalAnswers(text: string, heads: boolean): ReturnType<typeof parseAnswers> {
  const all = parseAnswers(text, false).filter(({ status }) => status >= 200);
  if (!heads) return all;
  const [first] = parseAnswers(text, true);
  if (first === undefined) return [];
  const end = text.indexOf("\r\n\r\n") + 4;
  return [first, ...parseAnswers(text.slice(end)).filter(({ status }) => status >= 200)];
}

const isProbed = ({ lines }: FramingPod["requests"][number]): boolean => !PROBES.test(lines[0]!);

/** In pieces of one to five bytes. */
function cut(bytes: string, random: () => number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + Math.floor(random() * 5);
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

function judge(probe: Probe, { answers, closed, upstream }: Outcome): void {
  const status = answers[0]?.status ?? 0;
  const shown = `${status}: ${JSON.stringify(answers)}, the pod got ${JSON.stringify(upstream)}`.slice(0, 600);
  assert(probe.allowed.includes(status), `${probe.allowed.join(" or ")} is allowed, not ${shown}`);
  if (status === 200) {
    assertEquals(upstream.length, 1, `the pod got not one request: ${shown}`);
    const [request] = upstream;
    assertEquals([request!.lines[0], request!.body], [probe.line, probe.body], "what the pod got");
    const lower = request!.lines.map((line) => line.toLowerCase());
    if (probe.has !== undefined) assert(includesField(request!.lines, probe.has), `${probe.has} is not in ${shown}`);
    const { hasNot } = probe;
    if (hasNot !== undefined) assert(!lower.some((line) => line.startsWith(hasNot)), `${hasNot} is in ${shown}`);
  } else {
    assertEquals(upstream, [], `what was not answered by the pod must not have reached it: ${shown}`);
    // Where one message ends that could not be read, the next begins nowhere.
    if (status === 0 || status === 400) assert(closed && answers.length <= 1, `the connection goes on: ${shown}`);
  }
  if (probe.closes) assertEquals([answers.length <= 1, closed], [true, true], `it must end the connection: ${shown}`);
  for (const next of answers.slice(1)) assertEquals([next.status, next.body], [200, "ok /after"], "the next answer");
  if (!closed) assertEquals(answers.length, 2, shown);
}

/** A field line, whatever the case of a name of the gateway's own and the space behind its colon. */
const includesField = (lines: readonly string[], wanted: string): boolean =>
  lines.some((line) => {
    const colon = line.indexOf(":");
    const same = `${line.slice(0, colon)}: ${line.slice(colon + 1).trim()}`;
    return same === wanted || (wanted.startsWith("x-") && same.toLowerCase() === wanted);
  });

describe("of requests and what is none,", () => {
  test("250 or more are tried", () => {
    const count = Object.values(GROUPS).flat().length + Object.keys(ABUSE).length;
    assertGreaterOrEqual(count, 250);
    const names = Object.values(GROUPS).flatMap((group) => group.map(({ name }) => name));
    assertEquals(names.length, new Set(names).size);
  });
});

for (const [group, probes] of Object.entries(GROUPS)) {
  describe(`${group}, with another request behind it:`, () => {
    for (const probe of probes) {
      const as = probe.allowed.map((status) => (status === 0 ? "closed" : status)).join(" or ");
      test(`${probe.name} is ${as} (${probe.section}), however it is cut`, async () => {
        const heads = probe.bytes.startsWith("HEAD ");
        const whole = await send([probe.bytes + NEXT], heads);
        judge(probe, whole);
        if (probe.bytes.length > 1000) return;
        const pieces = await send(cut(probe.bytes + NEXT, seededRandom(probe.bytes.length)), heads);
        judge(probe, pieces);
        assertEquals(pieces.answers[0]?.status, whole.answers[0]?.status, "the cut makes a difference");
      });
    }
  });
}

describe("a request that comes in two pieces", () => {
  const bytes = `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
  test("wherever it is cut, waits for its rest and is answered", async () => {
    const halves = await Promise.all(
      Array.from({ length: bytes.length - 1 }, async (_, i) => ({
        client: await rawClient(portOf(under.gateway), bytes.slice(0, i + 1)),
        rest: bytes.slice(i + 1),
      })),
    );
    // By now each of the first halves has been read.
    for (let i = 0; i < 3; i++) assertEquals((await under.gateway.fetch("/alive")).status, 200);
    const early = halves.filter(({ client }) => client.closed() || client.received() !== "");
    assertEquals(
      early.map(({ rest }) => rest),
      [],
      "answered or closed before their rest",
    );
    for (const { client, rest } of halves) client.send(rest);
    await until(() => halves.every(({ client }) => parseAnswers(client.received()).length === 1), {
      timeout: 5000,
      message: "all answers",
    });
    for (const { client } of halves) {
      assertEquals(parseAnswers(client.received())[0]!.body, "ok /x");
      client.socket.destroy();
    }
  });
});
