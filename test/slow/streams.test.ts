import { describe, test } from "bun:test";
import { assertEquals, assertGreater } from "@std/assert";
import { abortedDownloads, idleClosingPod, silentThen } from "../conformance/streams.ts";
import { gatewayTo } from "../conformance/support.ts";
import { createAuthority } from "../helpers/certificates.ts";
import { until } from "../helpers/wait.ts";
import { rawPod } from "../proxy/helpers.ts";
import { client, serveStreams } from "../streams/support.ts";

/** Real time is what is tested here: the timers of the runtime under the gateway, at their full length, side by side. */
const inRealTime = (name: string, seconds: number, run: (ends: (() => unknown)[]) => Promise<void>): void =>
  test.concurrent(
    name,
    async () => {
      const ends: (() => unknown)[] = [];
      try {
        await run(ends);
      } finally {
        for (const end of ends) await end();
      }
    },
    seconds * 1000,
  );

describe("in real time", () => {
  inRealTime("an event stream that is silent for 130 s goes on afterwards", 150, (ends) =>
    silentThen({ silence: 130_000, ends }),
  );

  inRealTime("a pod may take 60 s to its first byte where the route sets no time-out", 80, async (ends) => {
    const pod = await rawPod((socket) => void setTimeout(() => socket.write("HTTP/1.1 204 N\r\n\r\n"), 60_000));
    const gateway = await gatewayTo([pod.port], { route: { timeouts: { response: 0 } } });
    ends.push(() => gateway.stop(), pod.stop);
    const began = performance.now();
    assertEquals((await gateway.fetch("/")).status, 204);
    assertGreater(performance.now() - began, 59_000);
  });

  inRealTime("a pod that closes idle connections at 1 s, asked every second, costs no GET", 150, async (ends) => {
    assertEquals(await idleClosingPod({ idle: 1000, rounds: 100, ends }), []);
  });

  inRealTime("a client of a stream with TLS that begins no handshake is closed within 20 s", 40, async (ends) => {
    const authority = await createAuthority("trusted");
    const { cert, key } = await authority.issue("front", ["DNS:db.example.org"]);
    const tls = { cert_file: cert, key_file: key };
    const streams = await serveStreams([{ nodes: [{ host: "127.0.0.1", port: 9 }], tls }]);
    using silent = await client(await streams.port("s"));
    ends.push(
      () => streams[Symbol.asyncDispose](),
      () => authority[Symbol.asyncDispose](),
    );
    await until(() => silent.closed !== undefined || silent.ended, { timeout: 20_000, message: "it is closed" });
  });

  inRealTime("10,000 downloads left half way leave no connection to a pod", 150, (ends) =>
    abortedDownloads({ count: 10_000, atOnce: 100, ends }),
  );
});
