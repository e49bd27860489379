import { describe, test } from "bun:test";
import { connect } from "node:net";
import { assert, assertEquals } from "@std/assert";
import { freePort } from "../../bench/lib/process.ts";
import { logged } from "../gateway/support.ts";
import { until } from "../helpers/wait.ts";
import { client, portOf, serve, serveStreams, upstream } from "./support.ts";

/** Whether somebody listens on a port of loopback. */
const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

describe("a reload of the config", () => {
  test("opens streams that are new, stops those that are gone, and leaves connections alone", async () => {
    await using one = await upstream("one");
    const [first, second] = [await freePort(), await freePort()];
    const of = (port: number) => ({ streams: [{ id: "s", listen: `127.0.0.1:${port}`, nodes: [one.node] }] });
    await using gateway = await serve(of(first));
    using before = await client(first);
    await before.got("one\n");
    await gateway.writeConfig(of(second));
    await until(() => listens(second), { message: "the new port" });
    await until(async () => !(await listens(first)), { message: "the old port is closed" });
    using after = await client(second);
    await after.got("one\n");
    before.socket.write("as before");
    await before.got("as before");

    await gateway.writeConfig({ streams: [] });
    await until(async () => !(await listens(second)), { message: "no port is left" });
    after.socket.write("as before");
    await after.got("as before");
  });

  test("leads new connections elsewhere on the port there is, without closing it", async () => {
    await using one = await upstream("one");
    await using two = await upstream("two");
    const port = await freePort();
    const of = (to: typeof one) => ({ streams: [{ listen: `127.0.0.1:${port}`, nodes: [to.node] }] });
    await using gateway = await serve(of(one));
    using before = await client(port);
    await before.got("one\n");
    await gateway.writeConfig(of(two));
    await logged(gateway, "is in force");
    using after = await client(port);
    await after.got("two\n");
    before.socket.write("as before");
    await before.got("as before");
    assertEquals(gateway.stderr.filter((line) => line.includes("A stream listens")).length, 1);
  });

  test("tells of a port that cannot be opened, applies the rest, and opens it once it is free", async () => {
    await using one = await upstream("one");
    const blocker = await upstream("stranger");
    await using gateway = await serve({ streams: [] });
    await gateway.writeConfig({
      streams: [
        { id: "taken", listen: `127.0.0.1:${blocker.port}`, nodes: [one.node] },
        { id: "free", listen: "127.0.0.1:0", nodes: [one.node] },
      ],
    });
    using peer = await client(await portOf(gateway, "free"));
    await peer.got("one\n");
    const line = await logged(gateway, "Cannot listen on");
    assert(line.includes(`127.0.0.1:${blocker.port}`) && line.includes("another program listens there"), line);
    await blocker.stop();
    await portOf(gateway, "taken");
    using late = await client(blocker.port);
    await late.got("one\n");
  });

  test("is refused as a whole when a stream in it is wrong", async () => {
    await using one = await upstream("one");
    const port = await freePort();
    const stream = { listen: `127.0.0.1:${port}`, nodes: [one.node] };
    await using gateway = await serve({ streams: [stream] });
    await gateway.writeConfig({ streams: [stream, { ...stream, id: "again" }] });
    await logged(gateway, "which streams[0].listen listens on already");
    using peer = await client(port);
    await peer.got("one\n");
  });
});

describe("a port that another program has", () => {
  test("keeps the gateway from starting, with exit code 1", async () => {
    await using stranger = await upstream("stranger");
    const streams = [{ listen: `127.0.0.1:${stranger.port}`, nodes: [stranger.node] }];
    const error = await serve({ streams }).then(
      (gateway) => gateway.stop().then(() => undefined),
      (cause: Error) => cause,
    );
    assert(
      error?.message.includes("exit code 1") && error.message.includes("another program listens there"),
      `${error}`,
    );
  });
});

describe("SIGTERM", () => {
  test("stops accepting at once, lets connections end, and closes those that do not", async () => {
    await using one = await upstream("one");
    const streams = await serveStreams([{ nodes: [one.node] }], { server: { drain: 4000 } });
    const port = await streams.port("s");
    const [ending, staying] = [await client(port), await client(port)];
    await Promise.all([ending.got("one\n"), staying.got("one\n")]);
    const stopped = streams.gateway.stop();
    await until(async () => !(await listens(port)), { message: "it accepts no more" });
    ending.socket.write("one more thing");
    await ending.got("one more thing");
    ending.socket.end();
    await until(() => ending.closed === "", { message: "it ends in peace" });
    assertEquals(staying.closed, undefined);
    assertEquals(await stopped, 0);
    await until(() => staying.ended || staying.closed !== undefined, { message: "the other one is closed" });
    // Whoever only looked whether the port is open sent nothing.
    const lines = streams.lines().filter(({ bytes_up, error }) => bytes_up !== 0 || error === "drained");
    assertEquals(
      lines.map(({ error }) => error),
      [null, "drained"],
    );
  });
});
