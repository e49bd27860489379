import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import type { HeaderFields } from "../../src/http/header-fields.ts";
import { errors } from "../config/support.ts";
import { chained } from "./support.ts";

describe("set_headers", () => {
  test("makes headers for the upstream of parts of the request, in place of what a client sent", async () => {
    let seen: HeaderFields = new Headers();
    const { send } = chained('[{set_headers: {x-client: "{client_ip}", x-was: "{method} {uri}"}}]', {
      upstream: (_request, headers) => {
        seen = headers;
        return new Response("from the pod");
      },
    });
    await send("/a?b=c", { headers: { "x-client": "forged" } });
    assertEquals([seen.get("x-client"), seen.get("x-was")], ["192.0.2.7", "GET /a?b=c"]);
  });

  test("refuses what is no part of a request", () => {
    const [told] = errors("defaults: {middleware: [{set_headers: {x: '{nothing}'}}]}\n");
    assertEquals(told?.includes("must be a text in which these stand for parts of the request: {scheme}"), true);
  });
});

describe("replace_headers", () => {
  const entries =
    "[{replace_headers: {request: {x-a: {find: o, with: $&}}, response: {location: {find: 'http://in/', with: 'https://out/'}}}}]";

  test("replaces every place of a text, both ways, and nothing where it is not", async () => {
    const seen: (string | null)[] = [];
    const { send } = chained(entries, {
      upstream: (_request, headers) => {
        seen.push(headers.get("x-a"));
        return new Response(null, {
          status: 302,
          headers: { location: "http://in/a?to=http://in/b", other: "http://in/" },
        });
      },
    });
    const answer = await send("/", { headers: { "x-a": "foo" } });
    assertEquals(answer.headers.get("location"), "https://out/a?to=https://out/b");
    assertEquals(answer.headers.get("other"), "http://in/");
    await send("/", { headers: { "x-a": "bar" } });
    await send("/");
    assertEquals(seen, ["f$&$&", "bar", null]);
  });

  test("works where answers cannot be changed", async () => {
    const { send } = chained(entries, {
      upstream: () => Response.redirect("http://in/x", 302),
    });
    assertEquals((await send("/")).headers.get("location"), "https://out/x");
  });
});
