import { describe, test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { serveEmbedded } from "../helpers/embedded.ts";
import { faultProxy } from "../helpers/fault-proxy.ts";
import { until } from "../helpers/wait.ts";
import { configMap } from "./client.ts";

const portOf = (url: string): number => Number(new URL(url).port);

describe("the TCP fault proxy", () => {
  test("passes requests, counts connections, and resets them when told", async () => {
    await using served = await serveEmbedded();
    await using proxy = await faultProxy({ port: portOf(served.url) });
    const answer = await fetch(`http://127.0.0.1:${proxy.port}/api/v1/configmaps?watch=1`);
    assertEquals([answer.status, proxy.accepted, proxy.open], [200, 1, 1]);
    const reader = answer.body!.getReader();
    const next = reader.read();
    proxy.cut();
    await assertRejects(() => next, Error);
    await until(() => served.api.openWatches.length === 0, { message: "the server sees its connection end" });
  });

  test("freezes a connection without closing it", async () => {
    await using served = await serveEmbedded();
    await using proxy = await faultProxy({ port: portOf(served.url) });
    const gone = new AbortController();
    const answer = await fetch(`http://127.0.0.1:${proxy.port}/api/v1/configmaps?watch=1`, { signal: gone.signal });
    proxy.set("freeze");
    served.api.apply(configMap("a"));
    let settled = false;
    const next = answer.body!.getReader().read();
    next.then(
      () => {
        settled = true;
      },
      () => {},
    );
    // What would arrive has arrived once a request on the direct way was answered after it.
    await fetch(`${served.url}/version`);
    assert(!settled);
    assertEquals(proxy.open, 1);
    gone.abort();
    await assertRejects(() => next, Error);
  });

  test("resets whoever comes", async () => {
    await using served = await serveEmbedded();
    await using proxy = await faultProxy({ port: portOf(served.url) });
    proxy.set("reset");
    await assertRejects(() => fetch(`http://127.0.0.1:${proxy.port}/version`), Error);
    proxy.set("pass");
    assertEquals((await fetch(`http://127.0.0.1:${proxy.port}/version`)).status, 200);
  });
});
