import { describe, test } from "bun:test";
import { assert, assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { HTTPException } from "hono/http-exception";
import { UpstreamError } from "../../src/http/upstream-error.ts";
import { chained } from "./support.ts";

const json = async (response: Response): Promise<Record<string, unknown>> =>
  (await response.json()) as Record<string, unknown>;

describe("a route's middleware", () => {
  test("run in their order, the first one outermost", async () => {
    const order: string[] = [];
    const named = (name: string) => async (_c: unknown, next: () => Promise<void>) => {
      order.push(`${name} in`);
      await next();
      order.push(`${name} out`);
    };
    const { send } = chained("[]", { own: [named("a"), named("b")] });
    await send("/");
    assertEquals(order, ["a in", "b in", "b out", "a out"]);
  });

  test("pass an answer on piece by piece, as it comes", async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const { send } = chained("[{cors: {}}, {secure_headers: {}}, {request_id: {}}, {etag: {}}, {compress: {}}]", {
      upstream: () => new Response(readable, { headers: { "content-type": "text/event-stream" } }),
    });
    const writer = writable.getWriter();
    const reader = (await send("/", { headers: { "accept-encoding": "gzip" } })).body!.getReader();
    for (const word of ["data: 1\n\n", "data: 2\n\n"]) {
      void writer.write(new TextEncoder().encode(word));
      assertEquals(new TextDecoder().decode((await reader.read()).value), word);
    }
    await writer.close();
    assert((await reader.read()).done);
  });

  test("leave three cookies three lines", async () => {
    const headers = new Headers();
    for (const cookie of ["a=1", "b=2", "c=3"]) headers.append("set-cookie", cookie);
    const { send } = chained("[{cors: {}}]", { upstream: () => new Response("x", { headers }) });
    assertEquals((await send("/")).headers.getSetCookie(), ["a=1", "b=2", "c=3"]);
  });

  test("leave the length of an answer to HEAD as the pod told it", async () => {
    const { send } = chained("[{cors: {}}]", {
      upstream: () => new Response(null, { headers: { "content-length": "42" } }),
    });
    assertEquals((await send("/", { method: "HEAD" })).headers.get("content-length"), "42");
  });

  test("leave the answer of an upgrade as it is", async () => {
    const upgraded = new Response(null, { status: 101 });
    const { send } = chained("[{cors: {}}, {compress: {}}]", { upstream: () => upgraded });
    assertStrictEquals(await send("/"), upgraded);
  });

  test("can change answers of a runtime that hands over immutable ones", async () => {
    const immutable = (): Response => Response.redirect("http://elsewhere.test/", 302);
    const { send } = chained("[{secure_headers: {}}]", { upstream: immutable });
    assertEquals((await send("/")).headers.get("x-content-type-options"), "nosniff");
  });
});

describe("a middleware of the user's", () => {
  test("may change the request's headers for the pod", async () => {
    const { send } = chained("[{request_id: {}}]", {
      own: [
        async (c, next) => {
          c.req.raw.headers.set("x-tenant", "blue");
          await next();
        },
      ],
      upstream: (_request, headers) => Response.json([headers.get("x-tenant"), headers.has("x-request-id")]),
    });
    assertEquals(await (await send("/")).json(), ["blue", true]);
  });

  test("may read the body, and the pod still gets it", async () => {
    const { send } = chained("[]", {
      own: [
        async (c, next) => {
          assertEquals(await c.req.text(), "hello");
          await next();
        },
      ],
      upstream: async (request) => new Response(await request.text()),
    });
    assertEquals(await (await send("/", { method: "POST", body: "hello" })).text(), "hello");
  });

  test("may answer itself, as it likes", async () => {
    const { send, passed } = chained("[]", { own: [async (c) => c.text("no", 403)] });
    const answer = await send("/");
    assertEquals([answer.status, await answer.text(), passed()], [403, "no", 0]);
  });

  test("that throws an HTTP error answers with it", async () => {
    const { send, errors } = chained("[]", {
      own: [
        () => {
          throw new HTTPException(418, { message: "short and stout" });
        },
      ],
    });
    const answer = await send("/");
    assertEquals([answer.status, await answer.text(), errors.length], [418, "short and stout", 0]);
  });

  test("that fails is reported, and the client learns nothing of it", async () => {
    const { send, errors } = chained("[]", {
      own: [
        () => {
          throw new Error("the database at 10.0.0.9 is down");
        },
      ],
    });
    const answer = await send("/");
    assertEquals(answer.status, 500);
    const body = await json(answer);
    assertEquals(body.code, "internal");
    assert(!JSON.stringify(body).includes("10.0.0.9"));
    assertStringIncludes(errors[0]!.message, "10.0.0.9");
  });

  test("that answers twice with one Response is reported, and the client learns nothing of it", async () => {
    const kept = new Response("once");
    const { send, errors } = chained("[]", { own: [async () => kept] });
    assertEquals(await (await send("/")).text(), "once");
    const again = await send("/");
    assertEquals([again.status, (await json(again)).code], [500, "internal"]);
    assertStringIncludes(errors[0]!.message, "body was read before");
  });

  test("that reads the body of a client that leaves is no fault", async () => {
    const leaving = new AbortController();
    const { send, errors } = chained("[]", {
      own: [
        async (c, next) => {
          await c.req.text();
          await next();
        },
      ],
    });
    const body = new ReadableStream({
      pull(controller) {
        leaving.abort();
        controller.error(new Error("The connection was closed."));
      },
    });
    const answer = await send("/", { method: "POST", body, signal: leaving.signal });
    assertEquals([answer.status, (await json(answer)).code, errors], [499, "client_gone", []]);
  });

  test("that reads the answer of a pod that breaks it off is no fault: the pod has failed", async () => {
    const broken = (): Response =>
      new Response(
        new ReadableStream({
          pull(controller) {
            controller.error(new UpstreamError("reset", "The pod closed the connection in the middle of its answer"));
          },
        }),
      );
    const { send, errors } = chained("[]", {
      upstream: broken,
      own: [
        async (c, next) => {
          await next();
          c.res = new Response(await c.res.text());
        },
      ],
    });
    const answer = await send("/");
    assertEquals([answer.status, (await json(answer)).code, errors], [502, "upstream_reset", []]);
  });

  test("may throw the HTTP error of a Hono of its own", async () => {
    /** What another copy of Hono throws: the same shape, another class. */
    class HTTPException extends Error {
      readonly status: number;
      readonly res: Response | undefined;
      constructor(status: number, res?: Response) {
        super();
        this.status = status;
        this.res = res;
      }
      getResponse(): Response {
        return this.res ?? new Response(this.message, { status: this.status });
      }
    }
    const ask = async (error: Error) => {
      const { send, errors } = chained("[]", { own: [() => Promise.reject(error)] });
      const answer = await send("/");
      assertEquals(errors, []);
      return answer;
    };
    const headers = { "www-authenticate": "Basic" };
    const asked = await ask(new HTTPException(401, new Response("who?", { status: 401, headers })));
    assertEquals([asked.status, asked.headers.get("www-authenticate"), await asked.text()], [401, "Basic", "who?"]);
    const refused = await ask(new HTTPException(403));
    assertEquals([refused.status, (await json(refused)).code], [403, "forbidden"]);
    assertEquals((await ask(new HTTPException(451))).status, 451);
  });

  test.each([
    ["throws undefined", () => Promise.reject(undefined), "./mine.ts threw undefined, which is no Error"],
    ["throws a text", () => Promise.reject("no"), "./mine.ts threw no, which is no Error"],
    ["throws null", () => Promise.reject(null), "./mine.ts threw null, which is no Error"],
    ["returns a text", async () => "hello", "./mine.ts returned hello, which is no Response"],
    ["returns null", async () => null, "./mine.ts returned null, which is no Response"],
  ])("that %s is reported, and the client gets a problem answer", async (_, handler, why) => {
    const { send, errors, passed } = chained("[]", { own: [handler as never] });
    const answer = await send("/");
    assertEquals([answer.status, (await json(answer)).code, passed()], [500, "internal", 0]);
    assertEquals(
      errors.map(({ message }) => message),
      [why],
    );
  });

  test("that reads the body past Hono is reported with what to do, and the client learns nothing of it", async () => {
    const { send, errors, passed } = chained("[]", {
      own: [
        async (c, next) => {
          await c.req.raw.text();
          await next();
        },
      ],
    });
    const answer = await send("/", { method: "POST", body: "hello" });
    const { code, detail } = await json(answer);
    assertEquals([answer.status, code, passed()], [500, "internal", 0]);
    assert(!String(detail).includes("Hono"));
    assertStringIncludes(errors[0]!.message, "c.req.text()");
  });

  test("cannot send a request to a path that fetch would change", async () => {
    const { send, passed, errors } = chained("[]", {
      own: [
        async (c, next) => {
          c.req.raw = new Request("http://gateway.test//10.0.0.1/secret");
          await next();
        },
      ],
    });
    assertEquals([(await send("/")).status, passed(), errors.length], [500, 0, 1]);
  });
});
