import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { bytesOf, limitsTable } from "./limits.ts";
import { framedGateway, shoot } from "./support.ts";

const under = framedGateway();

/** How the document writes what became of a target. */
function told(target: string, { answers, upstream }: Awaited<ReturnType<typeof shoot>>): string {
  const arrived = upstream[0]?.lines[0]?.slice("GET ".length, -" HTTP/1.1".length);
  if (arrived !== undefined) return arrived === target ? "the same" : arrived;
  const code = /"code":"(\w+)"/.exec(answers[0]?.body ?? "")?.[1];
  return [answers[0]?.status, code].filter(Boolean).join(" ");
}

describe("a request's path and query", () => {
  const rows = limitsTable("Paths and queries");

  test("are promised for more than fifty odd shapes", () => {
    assert(rows.length > 50, `${rows.length} rows`);
  });

  for (const { name, here } of rows) {
    const target = bytesOf(name);
    test(`${name.slice(0, 40)} arrives as the limits say, at the pod and nowhere else`, async () => {
      const outcome = await shoot(under.gateway, under.pod, {
        bytes: `GET ${target} HTTP/1.1\r\nHost: shop.test\r\n\r\n`,
      });
      assertEquals(told(target, outcome), here.startsWith("`") ? bytesOf(here) : here);
      const [status] = outcome.answers.map((answer) => answer.status);
      assertEquals(outcome.upstream.length, status === 200 ? 1 : 0);
      // The pod is asked for the host the client sent, or for the one that its target names in its place.
      const host = /^http:\/\/([^/]+)/.exec(target)?.[1] ?? "shop.test";
      for (const { lines } of outcome.upstream) {
        const hosts = lines.filter((line) => /^host:/i.test(line)).map((line) => line.slice(5).trim());
        assertEquals(hosts, [host]);
      }
    });
  }
});
