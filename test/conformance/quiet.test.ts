import { afterEach, describe, test } from "bun:test";
import { staysQuiet } from "./quiet.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

describe("what is silent for several times every limit of the server", () => {
  test("has its head before, lives through it and goes on: event stream, answer to an upload, long poll, WebSocket", async () => {
    const limits = { head_timeout: 500, keep_alive: 500, body_window: 500, write_stall: 500 };
    await staysQuiet({ silence: 6000, limits, ends });
  });
});
