import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { clusterBlock, slice } from "../gateway/objects.ts";
import { logged } from "../gateway/support.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { until } from "../helpers/wait.ts";
import { client, serveStreams, type Upstream, upstream } from "./support.ts";

describe("a stream to a service", () => {
  test("follows its endpoints: new connections go to the new ones, those there are stay", async () => {
    await using api = await serveEmbedded();
    await using one = await upstream("one", undefined, { host: "127.0.0.2" });
    await using two = await upstream("two", undefined, { host: "127.0.0.3", port: one.port });
    const of = ({ host, port }: Upstream) => slice("db/redis", [host], { name: "redis", port });
    api.api.apply(of(one));
    await using streams = await serveStreams([{ service: "db/redis:redis" }], {
      discovery: { kubernetes: clusterBlock(api) },
    });
    const port = await streams.port("s");
    using old = await client(port);
    await old.got("one\n");

    api.api.apply(of(two));
    await until(
      async () => {
        using probe = await client(port);
        await probe.got("\n");
        return probe.text === "two\n";
      },
      { message: "new connections go to the new endpoint" },
    );
    old.socket.write("still here");
    await old.got("still here");
    assertEquals(old.closed, undefined);
  });

  test("waits for the first list, and breaks connections where nothing is found, with the reason in the log", async () => {
    await using api = await serveEmbedded();
    await using streams = await serveStreams([{ service: "db/none:redis" }], {
      discovery: { kubernetes: clusterBlock(api) },
    });
    using peer = await client(await streams.port("s"));
    await until(() => peer.closed === "ECONNRESET", { message: "it is broken" });
    const line = await streams.line();
    assertEquals([line.error, line.service, line.upstream, line.tries], ["service_unknown", "db/none:redis", null, 0]);
    await logged(streams.gateway, "A connection found no upstream");
  });

  test("is split between services by weight", async () => {
    await using api = await serveEmbedded();
    await using one = await upstream("one", undefined, { host: "127.0.0.2" });
    await using two = await upstream("two", undefined, { host: "127.0.0.3", port: one.port });
    api.api.apply(slice("db/a", ["127.0.0.2"], one.port));
    api.api.apply(slice("db/b", ["127.0.0.3"], two.port));
    const services = [
      { service: "db/a", weight: 3 },
      { service: "db/b", weight: 1 },
    ];
    await using streams = await serveStreams([{ services }], { discovery: { kubernetes: clusterBlock(api) } });
    const port = await streams.port("s");
    const texts: string[] = [];
    for (let i = 0; i < 8; i++) {
      using peer = await client(port);
      await peer.got("\n");
      texts.push(peer.text);
    }
    assertEquals(texts.filter((text) => text === "one\n").length, 6);
  });
});
