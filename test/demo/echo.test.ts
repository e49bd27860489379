import { describe, test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { createEcho } from "../../src/demo/echo.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

const URL_BASE = "http://echo.test";
const setup = () => {
  const clock = createFakeClock();
  const echo = createEcho({ pod: "echo-1", clock });
  const ask = (path: string, init?: RequestInit) => echo(new Request(URL_BASE + path, init), "127.0.0.9");
  return { clock, ask };
};

describe("the echo pod", () => {
  test("tells what reached it, and who it is", async () => {
    const { ask } = setup();
    const answer = await ask("/anything/x?a=1&b=2&b=3", { method: "POST", body: '{"k":1}', headers: { "x-one": "1" } });
    const { headers, ...rest } = (await answer.json()) as Record<string, unknown> & { headers: Record<string, string> };
    assertEquals(headers["x-one"], "1");
    assertEquals(rest, {
      method: "POST",
      url: `${URL_BASE}/anything/x?a=1&b=2&b=3`,
      path: "/anything/x",
      args: { a: "1", b: ["2", "3"] },
      data: '{"k":1}',
      json: { k: 1 },
      origin: "127.0.0.9",
      pod: "echo-1",
    });
    assertEquals(answer.headers.get("x-pod"), "echo-1");
  });

  test("names the client that a gateway forwarded", async () => {
    const answer = await setup().ask("/", { headers: { "x-forwarded-for": "192.0.2.7" } });
    assertEquals(((await answer.json()) as { origin: string }).origin, "192.0.2.7");
  });

  test("answers the status it is asked for", async () => {
    const { ask } = setup();
    assertEquals([(await ask("/status/503")).status, (await ask("/status/204")).body], [503, null]);
    for (const bad of ["/status/99", "/status/x", "/status/600"]) assertEquals((await ask(bad)).status, 400);
  });

  test("answers late, and not at all when the client leaves", async () => {
    const { ask, clock } = setup();
    const late = ask("/delay/500");
    await clock.advance(500);
    assertEquals((await late).status, 200);
    const gone = new AbortController();
    const left = ask("/delay/500", { signal: gone.signal });
    gone.abort();
    await assertRejects(() => left);
    assertEquals((await ask("/delay/999999")).status, 400);
  });

  test("streams lines, each a chunk of its own", async () => {
    const lines: unknown[] = [];
    for await (const chunk of (await setup().ask("/stream/3")).body!)
      lines.push(JSON.parse(new TextDecoder().decode(chunk)));
    assertEquals(
      lines,
      [0, 1, 2].map((id) => ({ id, pod: "echo-1" })),
    );
  });

  test("sends events at their interval, and stops with the client", async () => {
    const { ask, clock } = setup();
    const answer = await ask("/sse?count=2&interval=1000");
    assertEquals(answer.headers.get("content-type"), "text/event-stream");
    const text = answer.text();
    await clock.advance(1000);
    assertEquals(await text, 'id: 0\ndata: {"id":0,"pod":"echo-1"}\n\nid: 1\ndata: {"id":1,"pod":"echo-1"}\n\n');
    const reader = (await ask("/sse")).body!.getReader();
    await reader.read();
    const next = reader.read();
    await clock.advance(10);
    await reader.cancel();
    assertEquals(((await next) as { done: boolean }).done, true);
    assertEquals(clock.pending, 0);
  });
});
