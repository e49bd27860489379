import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { createLogger } from "../../src/server/logger.ts";

test("a log line has the message's braces as they are", () => {
  const lines: string[] = [];
  const { log } = createLogger({ level: "info", pretty: false, write: (text) => void lines.push(text) });
  const messages = ["a closing ] or } is missing", "inside { } and [ ]", "{a} and {{b}}", "only {", "x }} y"];
  for (const message of messages) log("info", message, { a: 1 });
  assertEquals(
    lines.map((line) => JSON.parse(line).message),
    messages,
  );
});
