import { describe, test } from "bun:test";
import type { Socket } from "node:net";
import { assertEquals, assertMatch } from "@std/assert";
import { until } from "../helpers/wait.ts";
import { answerWith, leavesNothing, type RawPod, rawClient, rawPod, startRig } from "./helpers.ts";

leavesNothing();

/** A gateway in front of pods that answer once they have `length` bytes of a body. */
async function behind(length: number, options: Parameters<typeof startRig>[0] = {}, pods = 1) {
  const started: RawPod[] = [];
  for (let i = 0; i < pods; i++) started.push(await bodyPod(length));
  return { pods: started, rig: startRig({ pods: started.map(({ port }) => port), ...options }) };
}

/** Answers with how many bytes of a body came, when those are `length`. */
const bodyPod = (length: number): Promise<RawPod> =>
  rawPod((socket, request) => {
    let size = bodyOf(request).length;
    const look = (): void => {
      if (size >= length) socket.write(answerWith(String(size)));
    };
    socket.on("data", (data) => {
      size += data.length;
      look();
    });
    look();
  });
const bodyOf = (request: string): string => request.slice(request.indexOf("\r\n\r\n") + 4);

const head = (method: string, ...lines: string[]): string =>
  [`${method} / HTTP/1.1`, "Host: shop.test", ...lines, "", ""].join("\r\n");
const quick = { bodyRate: 1000, bodyWindow: 300 } as const;

describe.each([
  ["with a length", "content-length: 10", (byte: string): string => byte],
  ["in chunks", "transfer-encoding: chunked", (byte: string): string => `1\r\n${byte}\r\n`],
])("an upload %s", (_what, framing, piece) => {
  const chunked = framing.includes("chunked");
  /** What a pod sees of ten bytes. */
  const seen = chunked ? 10 * piece("x").length + 5 : 10;

  test("that is slow is waited for: the pod's time begins with its last byte", async () => {
    const { rig } = await behind(seen, { rule: { timeouts: { response: 300, try: 200 } } });
    const client = await rawClient(rig.port, head("POST", framing));
    for (let i = 0; i < 10; i++) {
      await Bun.sleep(80);
      client.send(piece("x"));
    }
    if (chunked) client.send("0\r\n\r\n");
    await until(() => client.received().includes("\r\n\r\n"), "an answer");
    assertMatch(client.received(), /^HTTP\/1\.1 200 /);
    client.socket.destroy();
  });

  test("that stalls is a 408, blames no pod, is not sent to another, and ends its connections", async () => {
    const { rig, pods } = await behind(
      seen,
      { ...quick, rule: { timeouts: { response: 150, try: 150 }, retries: { attempts: 3, on: ["timeout", "reset"] } } },
      2,
    );
    const clients = await Promise.all(
      Array.from({ length: 6 }, () => rawClient(rig.port, head("PUT", framing) + piece("x"))),
    );
    await until(() => clients.every((client) => client.received().includes('"code"')), "the answers");
    for (const client of clients) {
      assertMatch(client.received(), /^HTTP\/1\.1 408 .*\r\nconnection: close\r\n.*"request_timeout"/is);
    }
    assertEquals(rig.pool.counts().ejected, 0);
    assertEquals(rig.logged, []);
    assertEquals(pods.flatMap(({ requests }) => requests).length, 6);
    await until(() => clients.every((client) => client.closed()), "the clients' connections to end");
    await until(() => pods.every((pod) => pod.open() === 0), "the pods' connections to end");
  });

  test("that moves too slowly is a 408 however often it moves", async () => {
    const { rig } = await behind(seen, quick);
    const client = await rawClient(rig.port, head("POST", framing));
    const sending = setInterval(() => client.send(piece("x")), 100);
    await until(() => client.received().includes('"request_timeout"'), "the answer");
    clearInterval(sending);
    client.socket.destroy();
  });

  test("whose pod then says nothing is a 504 that is held against the pod", async () => {
    const { rig } = await behind(Number.POSITIVE_INFINITY, { ...quick, rule: { timeouts: { response: 150 } } }, 2);
    for (let i = 0; i < 4; i++) {
      const client = await rawClient(
        rig.port,
        head("POST", framing) + piece("x").repeat(10) + (chunked ? "0\r\n\r\n" : ""),
      );
      await until(() => client.received().includes('"upstream_timeout"'), "the answer");
      client.socket.destroy();
    }
    assertEquals(rig.pool.counts().ejected, 1);
  });
});

describe("a pod that breaks off in the middle of an upload", () => {
  test("is not held to account: the request had not come whole", async () => {
    const pods = [await rawPod((socket) => socket.resetAndDestroy()), await rawPod((socket) => socket.end())];
    const rig = startRig({ pods: pods.map(({ port }) => port) });
    for (let i = 0; i < 6; i++) {
      const client = await rawClient(rig.port, `${head("POST", "content-length: 10")}x`);
      await until(() => client.received().includes('"upstream_reset"'), "the answer");
      client.socket.destroy();
    }
    assertEquals(rig.pool.counts().ejected, 0);
  });
});

describe("a pod that does not take an upload", () => {
  test("has its time from what was last there to hand over", async () => {
    let reader: Socket | undefined;
    const pod = await rawPod((socket) => {
      reader = socket.pause();
    });
    const rig = startRig({ pods: [pod.port], ...quick, rule: { timeouts: { response: 300 } } });
    const client = await rawClient(rig.port, head("POST", "content-length: 100000000"));
    const send = (): void => {
      while (!client.closed() && client.socket.write(Buffer.alloc(1_000_000)));
    };
    client.socket.on("drain", send);
    send();
    await until(() => client.received().includes('"upstream_timeout"'), "the answer");
    client.socket.destroy();
    reader!.resume();
    await until(() => pod.open() === 0, "the pod's connection to end");
  });
});

describe("a client that leaves in the middle of an upload", () => {
  test.each(["content-length: 10", "transfer-encoding: chunked"])(
    "(%s) frees the pod at once, which is not blamed",
    async (framing) => {
      const { rig, pods } = await behind(Number.POSITIVE_INFINITY, { accessLog: "json" }, 2);
      for (let i = 0; i < 4; i++) {
        const client = await rawClient(rig.port, `${head("POST", framing)}1\r\nx\r\n`);
        await until(() => pods.some((pod) => pod.open() > 0), "the pod to be asked");
        client.socket.destroy();
        await until(() => pods.every((pod) => pod.open() === 0), "the pod's connection to end");
      }
      await until(() => rig.lines.length === 4, "the log");
      assertEquals(
        rig.lines.map((line) => (JSON.parse(line) as { error: string }).error),
        Array(4).fill("client_gone"),
      );
      assertEquals(rig.pool.counts().ejected, 0);
    },
  );
});

describe("an answer that comes before its upload is whole", () => {
  test("does not let its client hold the pod without sending", async () => {
    const pod = await rawPod((socket) =>
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n"),
    );
    const rig = startRig({ pods: [pod.port], ...quick });
    const client = await rawClient(rig.port, `${head("POST", "content-length: 100")}x`);
    await until(() => client.received().includes("a"), "the answer's beginning");
    await until(() => pod.open() === 0, "the pod's connection to end");
    client.socket.destroy();
  });
});
