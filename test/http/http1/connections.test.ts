import { describe, test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { LazyAbortController } from "../../../src/base/abort.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { createHttp1Client } from "../../../src/http/http1/client.ts";
import type { OutgoingRequest } from "../../../src/http/transport.ts";
import { nodeDial } from "../../../src/platform/node/streams.ts";
import type { Dial } from "../../../src/platform/sockets.ts";
import { closedPort } from "../../helpers/closed-port.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { until } from "../../helpers/wait.ts";
import { answerWith } from "../../proxy/helpers.ts";

import { type Asked, asker, failing, pod, stopsPods } from "./client-pods.ts";

stopsPods();

describe("connections", () => {
  test("are kept as long as the pod says, else four seconds; a request that cannot be repeated takes a fresh one", async () => {
    const clock = createFakeClock();
    let keep = "x-none: 1";
    const { port, open } = await pod((socket) => socket.write(answerWith("x", keep)));
    let made = 0;
    const connect = nodeDial();
    const dial: Dial = (to, options) => {
      made++;
      return connect(to, options);
    };
    const ask = asker(createHttp1Client({ dial, clock, random: Math.random }));
    const get = async (init?: Asked): Promise<number> => {
      await (await ask(port, init)).text();
      return made;
    };
    assertEquals(await get(), 1);
    await clock.advance(3900);
    assertEquals(await get(), 1);
    await clock.advance(99);
    assertEquals(await get({ method: "POST" }), 1);
    await clock.advance(100);
    assertEquals(await get({ method: "POST" }), 2);
    await clock.advance(6000);
    await until(() => open() === 0, "idle connections to close");
    keep = "keep-alive: timeout=20";
    assertEquals(await get(), 3);
    await clock.advance(18_900);
    assertEquals(await get(), 3);
    await clock.advance(19_500);
    assertEquals(await get(), 4);
    keep = "keep-alive: timeout=1";
    assertEquals(await get(), 4);
    assertEquals(await get(), 5);
  });

  test("and attempts to make one leave nothing of an address behind once they are gone", async () => {
    const clock = createFakeClock();
    const client = createHttp1Client({ dial: nodeDial(), clock, random: Math.random });
    const ask = asker(client);
    const { port } = await pod((socket) => socket.write(answerWith("x")));
    const other = await pod((socket) => socket.write(answerWith("x", "connection: close")));
    await failing(ask(await closedPort()), "connect", "");
    await (await ask(other.port)).text();
    await failing(ask(`http://127.0.0.1:${port}/#`), "refused", "#");
    assertEquals(client.counts(), { origins: 0, open: 0, idle: 0 });
    await (await ask(port)).text();
    assertEquals(client.counts(), { origins: 1, open: 1, idle: 1 });
    await clock.advance(5000);
    assertEquals([client.counts(), clock.pending], [{ origins: 0, open: 0, idle: 0 }, 0]);
    // What was found to be too old as a request came is no longer counted, and the next one stands for the address again.
    for (let i = 0; i < 3; i++) await (await ask(port, { keepalive: { requests: 1, age: 0 } })).text();
    await (await ask(port)).text();
    assertEquals(client.counts(), { origins: 1, open: 1, idle: 1 });
  });

  /** Connections made for requests that come every `step` milliseconds. */
  async function made(
    keepalive: OutgoingRequest["keepalive"],
    requests: number,
    step: number,
    random = 0,
    ...lines: string[]
  ) {
    const clock = createFakeClock();
    const { port, open } = await pod((socket) => socket.write(answerWith("x", ...lines)));
    let made = 0;
    const connect = nodeDial();
    const dial: Dial = (to, options) => {
      made++;
      return connect(to, options);
    };
    const ask = asker(createHttp1Client({ dial, clock, random: () => random }));
    for (let i = 0; i < requests; i++) {
      await (await ask(port, { keepalive })).text();
      await clock.advance(step);
    }
    await until(() => open() <= 1, "those that were given up to close");
    return made;
  }

  test("are given up between requests after so many, up to a fifth earlier by chance", async () => {
    assertEquals(await made({ requests: 10, age: 0 }, 20, 0), 2);
    assertEquals(await made({ requests: 10, age: 0 }, 21, 0), 3);
    assertEquals(await made({ requests: 10, age: 0 }, 18, 0, 0.999), 2);
    assertEquals(await made({ requests: 10, age: 0 }, 19, 0, 0.999), 3);
    assertEquals(await made({ requests: 1, age: 0 }, 3, 0), 3);
    assertEquals(await made({ requests: 0, age: 0 }, 50, 0), 1);
  });

  test("are given up at an age, however busy they are", async () => {
    assertEquals(await made({ requests: 0, age: 10_000 }, 10, 1000), 1);
    assertEquals(await made({ requests: 0, age: 10_000 }, 11, 1000), 2);
    assertEquals(await made({ requests: 0, age: 10_000 }, 10, 1000, 0.999), 2);
    assertEquals(await made({ requests: 0, age: 0 }, 400, 1000), 1);
  });

  test("are kept idle as long as the route says, and no longer than the pod does", async () => {
    assertEquals(await made({ requests: 0, age: 0, idle: 20_000 }, 2, 19_900), 1);
    assertEquals(await made({ requests: 0, age: 0, idle: 20_000 }, 2, 20_000), 2);
    assertEquals(await made({ requests: 0, age: 0, idle: 100 }, 2, 100), 2);
    assertEquals(await made({ requests: 0, age: 0, idle: 20_000 }, 2, 9000, 0, "keep-alive: timeout=10"), 2);
    assertEquals(await made({ requests: 0, age: 0, idle: 2000 }, 2, 2000, 0, "keep-alive: timeout=10"), 2);
  });

  test("that are not made in time are told from answers that do not come", async () => {
    const clock = createFakeClock();
    let given: AbortSignal | undefined;
    const dial: Dial = (_to, { signal }) => {
      given = signal;
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    const ask = asker(createHttp1Client({ dial, clock, random: Math.random }));
    const late = failing(ask(1, { connectTimeout: 2000 }), "connect", "within 2000 ms");
    await clock.advance(1999);
    assertEquals(given?.aborted, false);
    await clock.advance(1);
    await late;
  });

  test("that stand just as their request is cancelled are closed, and nothing is sent", async () => {
    const { port, requests, open } = await pod((socket) => socket.write(answerWith("x")));
    const controller = new LazyAbortController();
    const connect = nodeDial();
    const dial: Dial = async (to, options) => {
      const socket = await connect(to, options);
      controller.abort(new RangeError("late"));
      return socket;
    };
    const ask = asker(createHttp1Client({ dial, clock: systemClock, random: Math.random }));
    await assertRejects(() => ask(port, { controller }), RangeError, "late");
    await until(() => open() === 0, "the connection to close");
    assertEquals(requests, []);
  });

  test("serve a thousand requests at once, and each gets its own answer", async () => {
    const echo = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (r) => new Response(new URL(r.url).search) });
    const ask = asker(createHttp1Client({ dial: nodeDial(), clock: systemClock, random: Math.random }));
    const answers = await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => (await ask(`http://127.0.0.1:${echo.port}/?${i}`)).text()),
    );
    assertEquals(
      answers,
      Array.from({ length: 1000 }, (_, i) => `?${i}`),
    );
    await echo.stop(true);
  });

  test("reach a pod by its IPv6 address", async () => {
    const echo = Bun.serve({ port: 0, hostname: "::1", fetch: (r) => new Response(r.headers.get("host")) });
    const ask = asker(createHttp1Client({ dial: nodeDial(), clock: systemClock, random: Math.random }));
    assertEquals(await (await ask(`http://[::1]:${echo.port}/`)).text(), `[::1]:${echo.port}`);
    await echo.stop(true);
  });
});
