import { afterAll, beforeAll, describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { GatewayProcess } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { ABUSE } from "./abuse.ts";
import { limitsTable } from "./limits.ts";
import { type FramingPod, framingPod, gatewayTo, type Outcome, type RawAnswer, shoot } from "./support.ts";

let pod: FramingPod;
let gateway: GatewayProcess;
beforeAll(async () => {
  pod = await framingPod();
  gateway = await gatewayTo([pod.port]);
});
afterAll(async () => {
  await gateway.stop();
  pod.stop();
});

const codeOf = ({ body }: RawAnswer): string => /"code":"(\w+)"/.exec(body)?.[1] ?? "";

/** How the document writes what was answered: the code where the gateway said so, the bare status where the runtime did. */
function told({ answers, upstream }: Outcome): string {
  if (answers.length === 0) return "closed";
  const words = answers.map((answer) => `${answer.status} ${codeOf(answer)}`.trim()).join(", ");
  return answers[0]!.status !== 200 && upstream.length > 0 ? `${words}, after a pod got it whole` : words;
}

describe("HTTP/1.1 as nobody should send it", () => {
  const rows = limitsTable("Malformed and unusual HTTP/1.1");

  test("is told of in the limits, every shape of it", () => {
    assertEquals(
      rows.map(({ name }) => name),
      Object.keys(ABUSE),
    );
  });

  for (const { name, here } of rows) {
    test(`${name}: ${here}, never two requests for one, never the wrong answer (users-ask 53)`, async () => {
      const outcome = await shoot(gateway, pod, ABUSE[name]!);
      assert(here.split(" or ").includes(told(outcome)), `${told(outcome)} instead of ${here}`);
      const { answers, after, upstream } = outcome;
      assert(upstream.length <= 1, `the pod got ${upstream.length} requests: ${JSON.stringify(upstream)}`);
      for (const { lines } of upstream) assert(!lines[0]!.includes("/hidden"), "a hidden request reached the pod");
      for (const answer of answers) if (answer.status === 200) assertEquals(answer.body, "ok /x");
      // What follows on the connection is an answer to what was asked last, or a refusal: never one to something else.
      for (const answer of after ?? []) assert(answer.status !== 200 || answer.body === "ok /after", answer.body);
    });
  }

  test("leaves no connection to a pod in the middle of a request (users-ask 53)", async () => {
    for (let i = 0; i < 50; i++) {
      const answer = await gateway.fetch(`/round-${i}`);
      assertEquals([answer.status, await answer.text()], [200, `ok /round-${i}`]);
    }
    await until(() => pod.open() <= 8, { message: () => `${pod.open()} connections to the pod are open` });
  });
});
