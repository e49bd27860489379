import { afterAll, describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { bunDial } from "../../src/platform/bun/dial.ts";
import { listenStream, nodeDial } from "../../src/platform/node/streams.ts";
import type { Dial, StreamSocket } from "../../src/platform/sockets.ts";
import { seededRandom } from "../helpers/random.ts";
import { until } from "../helpers/wait.ts";

const closing: { close(): void }[] = [];
afterAll(() => {
  for (const listener of closing) listener.close();
});

/** A connection's two ends, the first one made by `dial`. */
async function connected(dial: Dial): Promise<[StreamSocket, StreamSocket]> {
  const accepted = Promise.withResolvers<StreamSocket>();
  const address = { host: "127.0.0.1", port: 0 };
  const handlers = { connection: accepted.resolve, admits: () => true, refused() {} };
  const listener = await listenStream(address, handlers);
  closing.push(listener);
  const near = await dial({ host: "127.0.0.1", port: listener.port }, { signal: new AbortController().signal });
  return [near, await accepted.promise];
}

const DIALS: readonly (readonly [name: string, dial: Dial])[] = [
  ["Bun's", bunDial],
  ["node:net's", nodeDial()],
];

describe("a socket", () => {
  for (const [name, dial] of DIALS) {
    test(`of ${name} sends texts and bytes in their order, however slowly they are read`, async () => {
      for (const seed of [1, 2, 3]) {
        const random = seededRandom(seed);
        const [near, far] = await connected(dial);
        const came: Uint8Array[] = [];
        let ended = false;
        far.listen({
          data(bytes) {
            came.push(bytes.slice());
            far.pause();
            setTimeout(() => far.resume(), 1);
          },
          ended: () => {
            ended = true;
          },
          drained() {},
          closed() {},
        });
        let drained = (): void => {};
        near.listen({ data() {}, ended() {}, drained: () => drained(), closed() {} });
        const text = (size: number): string => String.fromCharCode(Math.floor(random() * 256)).repeat(size);
        const sent: Buffer[] = [];
        let refused = 0;
        for (let i = 0; i < 60; i++) {
          const before = text(Math.floor(random() * 4));
          const after = text(Math.floor(random() * 4));
          const size = Math.floor(random() * (i % 9 === 0 ? 4_000_000 : 5000)) + 1;
          const bytes = new Uint8Array(size).fill(i);
          const whole = Buffer.concat([Buffer.from(before, "latin1"), bytes, Buffer.from(after, "latin1")]);
          sent.push(whole);
          const more = i % 4 === 3 ? near.write(whole.toString("latin1")) : near.writeFramed(before, bytes, after);
          if (more) continue;
          if (refused++ === 0) far.resume();
          assert(near.waiting > 0);
          // Now and then what comes next waits behind what waits.
          if (random() < 0.7) await new Promise<void>((resolve) => (drained = resolve));
        }
        near.end();
        far.resume();
        await until(() => ended, "the end");
        assertEquals(Buffer.compare(Buffer.concat(came), Buffer.concat(sent)), 0);
        assert(refused > 0);
        assertEquals(near.waiting, 0);
        far.destroy();
      }
    });
  }
});
