import { describe, test } from "bun:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { seededRandom } from "../helpers/random.ts";
import { until } from "../helpers/wait.ts";
import { rawClient } from "../proxy/helpers.ts";
import { ABUSE } from "./abuse.ts";
import { limitsTable } from "./limits.ts";
import { mutation } from "./mutations.ts";
import { framedGateway, gatewayTo, type Outcome, PROBES, portOf, type RawAnswer, shoot } from "./support.ts";

const under = framedGateway();

const codeOf = ({ body }: RawAnswer): string => /"code":"(\w+)"/.exec(body)?.[1] ?? "";

/** How the document writes what was answered. */
const told = ({ answers }: Outcome): string =>
  answers.length === 0 ? "closed" : answers.map((answer) => `${answer.status} ${codeOf(answer)}`.trim()).join(", ");

describe("HTTP/1.1 as nobody should send it", () => {
  const rows = limitsTable("Malformed and unusual HTTP/1.1");

  test("is told of in the limits, every shape of it", () => {
    assertEquals(
      rows.map(({ name }) => name),
      Object.keys(ABUSE),
    );
  });

  for (const { name, here } of rows) {
    test(`${name}: ${here}, never two requests for one, never the wrong answer`, async () => {
      const shot = ABUSE[name]!;
      const outcome = await shoot(under.gateway, under.pod, shot);
      assert(here.split(" or ").includes(told(outcome)), `${told(outcome)} instead of ${here}`);
      const { answers, after, upstream } = outcome;
      const paths = ["/x", "/hidden"].slice(0, shot.answers ?? 1);
      const asked = upstream.map(({ lines }) => lines[0]!.split(" ")[1]);
      // What was refused or broke off never looked whole to a pod.
      const served = answers.filter((answer) => answer.status === 200);
      if (shot.next !== "end") assertEquals(asked, paths.slice(0, served.length));
      assert(asked.length <= paths.length, `the pod got ${JSON.stringify(upstream)}`);
      assertEquals(
        served.map((answer) => answer.body),
        paths.slice(0, served.length).map((path) => `ok ${path}`),
      );
      // What follows on the connection is an answer to what was asked last, or its end.
      for (const answer of after ?? []) assertEquals([answer.status, answer.body], [200, "ok /after"]);
    });
  }

  test("and changed at random never makes a pod see a request that the gateway did not", async () => {
    const seed = Number(process.env.PODWAY_SEED ?? Date.now());
    const random = seededRandom(seed);
    let served = 0;
    // What is no whole request is waited for, no longer than a test can.
    const limits = { head_timeout: 200, body_window: 200 };
    await using hurried = await gatewayTo([under.pod.port], { server: { limits } });
    under.pod.clear();
    for (let round = 0; round < 25; round++) {
      const sent = await Promise.all(
        Array.from({ length: 60 }, async () => {
          const bytes = mutation(random);
          const client = await rawClient(portOf(hurried), bytes);
          await until(() => client.closed() || client.received().includes("\r\n\r\n"), {
            interval: 2,
            message: () => `an answer or the end of ${JSON.stringify(bytes)} (PODWAY_SEED=${seed})`,
          });
          client.socket.destroy();
          return bytes;
        }),
      );
      assertEquals((await hurried.fetch("/alive")).status, 200);
      // The gateway tells every pod whom a request is from: one without those words was hidden in another.
      const hidden = under.pod.requests.filter(({ lines }) => !lines.includes("x-forwarded-for: 127.0.0.1"));
      assertEquals(hidden, [], `${JSON.stringify(sent)} (PODWAY_SEED=${seed})`);
      served += under.pod.requests.filter(({ lines }) => !PROBES.test(lines[0]!)).length;
      under.pod.clear();
    }
    assertGreater(served, 75, `hardly any of them was a request (PODWAY_SEED=${seed})`);
  });

  test("leaves no connection to a pod in the middle of a request", async () => {
    for (let i = 0; i < 50; i++) {
      const answer = await under.gateway.fetch(`/round-${i}`);
      assertEquals([answer.status, await answer.text()], [200, `ok /round-${i}`]);
    }
    await until(() => under.pod.open() <= 8, { message: () => `${under.pod.open()} connections to the pod are open` });
  });
});
