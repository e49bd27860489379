import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { mayBeTrailer } from "../../src/http/fields.ts";

test("what frames, routes, authenticates or describes a message does not pass behind its body", () => {
  const passes = [
    "grpc-status",
    "grpc-message",
    "x-checksum",
    "content-digest",
    "etag",
    "server-timing",
    "accept-ranges",
  ];
  const stops = [
    "content-length",
    "transfer-encoding",
    "host",
    "connection",
    "trailer",
    "te",
    "authorization",
    "cookie",
  ];
  const more = ["set-cookie", "content-type", "content-encoding", "cache-control", "if-match", "range", "date", "vary"];
  assertEquals([...passes, ...stops, ...more].filter(mayBeTrailer), passes);
});
