/**
 * Silence in real time, under the limits that are the defaults: an event stream and a WebSocket for ten minutes, a long poll for five.
 *
 *   bun test/slow/ten-minutes.ts
 */
import process from "node:process";
import { staysQuiet } from "../conformance/quiet.ts";

const MINUTE = 60_000;
const ends: (() => unknown)[] = [];
try {
  await staysQuiet({ silence: 10 * MINUTE, poll: 5 * MINUTE, ends });
  process.stdout.write("1 passed, 0 failed\n");
} finally {
  for (const end of ends) await end();
}
process.exit(0);
