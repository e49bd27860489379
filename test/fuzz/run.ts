/**
 * Feeds the client random mutations of what apiservers sent, then running clusters odd objects among good ones.
 *
 *   bun run test:fuzz [--cases 1000000] [--objects 100000] [--seed 1]
 *   bun run test:fuzz --seed S --case N      one case again
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";
import { tryOdd } from "./odd.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000000" },
    objects: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    case: { type: "string" },
  },
});
const { isTTY } = process.stdout;
const result = await fuzz({
  cases: Number(values.cases),
  seed: Number(values.seed),
  only: values.case === undefined ? undefined : Number(values.case),
  ...(isTTY && { onProgress: (done) => process.stdout.write(`\r${done}`) }),
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
process.exit(growth < 32 * 2 ** 20 ? 0 : 1);
