/**
 * Feeds the client random mutations of what apiservers sent, then running clusters odd objects among good ones, then the
 * reader of requests random changes of what clients may send, then HTTP/2 connections hostile sessions.
 *
 *   bun run test:fuzz [--cases 1000000] [--objects 100000] [--requests 1000000] [--sessions 1000000] [--seed 1]
 *   bun run test:fuzz --seed S --case N      one case again
 *   bun run test:fuzz --seed S --request N
 *   bun run test:fuzz --seed S --session N
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";
import { fuzzHttp2 } from "./http2.ts";
import { tryOdd } from "./odd.ts";
import { fuzzRequests } from "./requests.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000000" },
    objects: { type: "string", default: "100000" },
    requests: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    case: { type: "string" },
    request: { type: "string" },
    sessions: { type: "string", default: "1000000" },
    session: { type: "string" },
  },
});
const { isTTY } = process.stdout;
const onProgress = isTTY ? (done: number) => process.stdout.write(`\r${done}`) : undefined;
if (values.request !== undefined) {
  fuzzRequests({ cases: 1, seed: Number(values.seed), only: Number(values.request) });
  process.exit(0);
}
if (values.session !== undefined) {
  await fuzzHttp2({ cases: 1, seed: Number(values.seed), only: Number(values.session) });
  process.exit(0);
}
const result = await fuzz({
  cases: Number(values.cases),
  seed: Number(values.seed),
  only: values.case === undefined ? undefined : Number(values.case),
  onProgress,
});
if (isTTY) process.stdout.write("\r");
const { cases, seconds, next, growth } = result;
process.stdout.write(
  `${cases} cases in ${seconds.toFixed(0)} s: ${next.list ?? 0} listed anew, ${next.watch ?? 0} went on, ${next.page ?? 0} asked for a page; the heap grew by ${(growth / 2 ** 20).toFixed(1)} MB in the second half\n`,
);
if (values.case === undefined && Number(values.objects) > 0) {
  const odd = await tryOdd({ objects: Number(values.objects), seed: Number(values.seed) });
  process.stdout.write(
    `${odd.objects} odd objects in ${odd.seconds.toFixed(0)} s: ${odd.fromBytes} of them were read from their bytes; no other service was touched\n`,
  );
}
let grown = growth;
if (values.case === undefined && Number(values.requests) > 0) {
  const requests = fuzzRequests({ cases: Number(values.requests), seed: Number(values.seed), onProgress });
  if (isTTY) process.stdout.write("\r");
  const { read, refused, unfinished } = requests;
  grown = Math.max(grown, requests.growth);
  process.stdout.write(
    `${requests.cases} changed requests in ${requests.seconds.toFixed(0)} s: ${read} had a request in them, ${refused} were refused, ${unfinished} not whole; the heap grew by ${(requests.growth / 2 ** 20).toFixed(1)} MB in the second half\n`,
  );
}
if (values.case === undefined && Number(values.sessions) > 0) {
  const sessions = await fuzzHttp2({ cases: Number(values.sessions), seed: Number(values.seed), onProgress });
  if (isTTY) process.stdout.write("\r");
  grown = Math.max(grown, sessions.growth);
  process.stdout.write(
    `${sessions.cases} HTTP/2 sessions in ${sessions.seconds.toFixed(0)} s: ${sessions.requests} had a request in them, ${sessions.broken} were broken off; the heap grew by ${(sessions.growth / 2 ** 20).toFixed(1)} MB in the second half\n`,
  );
}
process.exit(grown < 32 * 2 ** 20 ? 0 : 1);
