import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { ClusterStatus } from "../../src/discovery/views.ts";
import { CLUSTER, consoleOver } from "./console-over.ts";

describe("its live changes", () => {
  test("come as the parts that changed, and end with the viewer", async () => {
    let services = 1;
    const { app, clock } = consoleOver({ services: () => ({ total: services, found: services, services: [] }) });
    const left = new AbortController();
    const response = await app.request("/console/events", { signal: left.signal });
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const parts: string[] = [];
    let text = "";
    const readUntil = async (count: number): Promise<void> => {
      while (parts.length < count) {
        text += (await reader.read()).value ?? "";
        const events = text.split("\n\n");
        text = events.pop()!;
        for (const event of events) {
          assert(event.startsWith("event: part\ndata: "), event);
          parts.push((JSON.parse(event.slice("event: part\ndata: ".length)) as { id: string }).id);
        }
      }
    };
    await readUntil(7);
    assertEquals(parts, ["overview", "clusters", "routes", "streams", "services", "timeline", "about"]);
    await clock.advance(2000);
    services = 2;
    await clock.advance(500);
    await readUntil(9);
    assertEquals(parts.slice(7), ["overview", "services"], "the others are as they were");
    await reader.cancel();
    await clock.advance(500);
    assertEquals(clock.pending, 1, "only the history goes on");
  });

  test("cost one question each two seconds where the apiserver has to be asked, whoever looks", async () => {
    const summary = {
      cluster: "",
      namespace: "shop",
      name: "web",
      reference: "shop/web",
      ports: [],
      portKeys: ["http", "admin"],
      addresses: { ready: 1, terminating: 0, unready: 0 },
    };
    const looked = async (mode: ClusterStatus["mode"]): Promise<string[]> => {
      const asked: string[] = [];
      const { app, clock, get } = consoleOver({
        status: () => [{ ...CLUSTER, mode }],
        services: () => ({ total: 1, found: 1, services: [summary] }),
        async nodes(service) {
          asked.push(service);
          if (asked.length === 1) throw new Error("the first question fails: it is asked again");
          return { service, nodes: [] };
        },
      });
      await app.request("/?open=shop/web");
      const left = new AbortController();
      const viewers = await Promise.all(
        [1, 2, 3].map(() => app.request("/console/events?open=shop/web", { signal: left.signal })),
      );
      const reading = viewers.map(({ body }) => body!.pipeTo(new WritableStream(), { signal: left.signal }));
      for (let ms = 0; ms < 3900; ms += 500) await clock.advance(500);
      await get("/?open=shop/web");
      left.abort();
      await Promise.allSettled(reading);
      return asked.map((service) => service.slice("shop/web:".length));
    };
    const once = ["http", "admin"];
    assertEquals(await looked("request"), [...once, "http", ...once, ...once]);
    assert((await looked("watch")).length > 20);
  });

  test("are given to so many viewers and no more", async () => {
    const { app, clock } = consoleOver();
    const streams = await Promise.all(Array.from({ length: 51 }, () => app.request("/console/events")));
    assertEquals(streams.filter(({ status }) => status === 200).length, 50);
    assertEquals(streams.at(-1)!.status, 503);
    await streams[0]!.body!.cancel();
    await clock.advance(500);
    assertEquals((await app.request("/console/events")).status, 200);
  });
});
