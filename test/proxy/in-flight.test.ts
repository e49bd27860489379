import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createInFlightRequests, createUnsharedInFlightRequests, InFlightRequest } from "../../src/proxy/in-flight.ts";
import { Upload } from "../../src/proxy/upload.ts";
import { PushedBody } from "../helpers/body.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

describe.each([
  ["one timer for all", createInFlightRequests],
  ["a timer for each", createUnsharedInFlightRequests],
] as const)("requests in flight, %s", (_what, create) => {
  const setup = (deadline: number) => {
    const clock = createFakeClock();
    const client = new AbortController();
    const request = new Request("http://a.test/", { signal: client.signal });
    const flight = new InFlightRequest(request, { try: 0, response: deadline }, clock.now());
    const flights = create(clock);
    flights.add(flight);
    return { clock, client, flight, flights };
  };

  test("are ended when their time is up", async () => {
    const { clock, flight } = setup(5000);
    await clock.advance(4900);
    assertEquals(flight.ended, undefined);
    await clock.advance(200);
    assertEquals([flight.ended, flight.controller.aborted], ["timeout", true]);
  });

  test("are ended by a deadline that moved, both ways", async () => {
    const { clock, flight } = setup(30_000);
    flight.deadline = clock.now() + 2000;
    await clock.advance(1500);
    flight.deadline = clock.now() + 2000;
    await clock.advance(1900);
    assertEquals(flight.ended, undefined);
    await clock.advance(1200);
    assertEquals(flight.ended, "timeout");
  });

  test("are ended when their client leaves", async () => {
    const { clock, client, flight } = setup(5000);
    client.abort();
    await clock.advance(100);
    assertEquals([flight.ended, flight.controller.aborted], ["client_gone", true]);
  });

  test("that were removed are left alone, and leave no timer behind", async () => {
    const { clock, client, flight, flights } = setup(5000);
    flights.remove(flight);
    client.abort();
    await clock.advance(10_000);
    assertEquals([flight.ended, clock.pending], [undefined, 0]);
  });
});

test("each of several requests in flight can be forgotten, in any order, and none of the others is", async () => {
  for (const order of [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [0, 3, 2, 1],
    [1, 3, 0, 2],
    [2, 0, 3, 1],
  ]) {
    const clock = createFakeClock();
    const flights = createInFlightRequests(clock);
    const made = [1000, 2000, 3000, 4000].map((response) => {
      const flight = new InFlightRequest(new Request("http://a.test/"), { try: 0, response }, clock.now());
      flights.add(flight);
      return flight;
    });
    for (const [at, which] of order.entries()) {
      flights.remove(made[which]!);
      flights.remove(made[which]!);
      assertEquals(flights.size, 3 - at, `${order}`);
    }
    await clock.advance(100);
    assertEquals(clock.pending, 0);
    flights.add(made[0]!);
    flights.add(made[1]!);
    flights.add(made[2]!);
    flights.remove(made[1]!);
    await clock.advance(5000);
    assertEquals(
      made.map(({ ended }) => ended),
      ["timeout", undefined, "timeout", undefined],
    );
  }
});

test.each([
  [999, 1000, undefined],
  [1000, 1000, "stalled"],
] as const)("a client has the whole window to send what it has to (%d of %d ms)", (waited, window, ended) => {
  const clock = createFakeClock();
  const flight = new InFlightRequest(new Request("http://a.test/"), { try: 0, response: 10 }, clock.now());
  let now = 0;
  const rules = { limit: 0, rate: 100, window, now: () => now };
  const client = new PushedBody();
  const upload = new Upload(client, rules, flight);
  flight.upload = upload;
  const body = upload.open();
  let full = false;
  body.pipe({ data: () => full && body.pause(), end: () => {}, fail: () => {} });
  now = waited;
  assertEquals(flight.check(now), ended);
  // What it is not waited for is not its time.
  full = true;
  client.push("x".repeat(99));
  now += 5000;
  full = false;
  body.resume();
  assertEquals(upload.stalled(now), waited >= window);
  client.push("x");
  now += window - 1;
  assertEquals(upload.stalled(now), false);
});

test.each([
  [10, false],
  [11, true],
])("a body of exactly its limit is not too large (%d of 10 bytes)", (size, tooLarge) => {
  const flight = new InFlightRequest(new Request("http://a.test/"), { try: 0, response: 0 }, 0);
  const client = new PushedBody();
  const upload = new Upload(client, { limit: 10, rate: 0, window: 1, now: () => 0 }, flight);
  const broken: unknown[] = [];
  upload.open().pipe({ data: () => {}, end: () => {}, fail: (error) => void broken.push(error) });
  client.push("12345");
  client.push("6".repeat(size - 5));
  assertEquals(
    [broken.map((error) => error instanceof RangeError), client.cancelled.length],
    tooLarge ? [[true], 1] : [[], 0],
  );
  assertEquals([upload.tooLarge, flight.controller.aborted], [tooLarge, tooLarge]);
});
