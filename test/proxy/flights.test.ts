import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createFlights, createLoneFlights, Flight } from "../../src/proxy/flights.ts";
import { fakeClock } from "../helpers/embedded.ts";

describe.each([
  ["one timer for all", createFlights],
  ["a timer for each", createLoneFlights],
] as const)("requests in flight, %s", (_what, create) => {
  const setup = (deadline: number) => {
    const clock = fakeClock();
    const client = new AbortController();
    const request = new Request("http://a.test/", { signal: client.signal });
    const flight = new Flight(request, { try: 0, response: deadline }, clock.now());
    const flights = create(clock);
    flights.add(flight);
    return { clock, client, flight, flights };
  };

  test("are ended when their time is up", async () => {
    const { clock, flight } = setup(5000);
    await clock.advance(4900);
    assertEquals(flight.ended, undefined);
    await clock.advance(200);
    assertEquals([flight.ended, flight.canceller.aborted], ["timeout", true]);
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
    assertEquals([flight.ended, flight.canceller.aborted], ["client_gone", true]);
  });

  test("that were removed are left alone, and leave no timer behind", async () => {
    const { clock, client, flight, flights } = setup(5000);
    flights.remove(flight);
    client.abort();
    await clock.advance(10_000);
    assertEquals([flight.ended, clock.pending], [undefined, 0]);
  });
});
