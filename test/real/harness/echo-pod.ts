/** A pod: `bun echo-pod.ts ADDRESS PORT NAME` answers in the shape of httpbin's `/anything`, with its name. */
import { systemClock } from "../../../src/base/clock.ts";
import { createEcho } from "../../../src/demo/echo.ts";

const [address, port, podName] = process.argv.slice(2);
const echo = createEcho({ pod: podName!, clock: systemClock });

Bun.serve({ hostname: address!, port: Number(port), fetch: (request) => echo(request) });
process.stdout.write("listening\n");
