import { describe, test } from "bun:test";
import { assert, assertEquals, assertNotMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { collectionPath, createApiClient, PAGE_LIMIT, type WatchEvent } from "../../src/kubernetes/api-client.ts";
import type { ApiserverConnection } from "../../src/kubernetes/connection.ts";
import { noCredentials, tokenCredentials } from "../../src/kubernetes/credentials.ts";
import { ApiError } from "../../src/kubernetes/errors.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { HttpResponse, http, setupServer } from "../helpers/msw.ts";
import { slices } from "../helpers/scripted-apiserver.ts";
import { recordingLogger } from "./harness.ts";

const SERVER = "https://apiserver.test:6443";
const SLICES = `${SERVER}/apis/discovery.k8s.io/v1/endpointslices`;
const signal = new AbortController().signal;

function client(...handlers: Parameters<typeof setupServer>) {
  const mock = setupServer(...handlers);
  const clock = createFakeClock();
  const { logger, lines } = recordingLogger();
  const connection: ApiserverConnection = {
    server: SERVER,
    fetch: mock.fetch,
    credentials: tokenCredentials("s3cr3t-token"),
    files: [],
    refresh: async () => {},
  };
  return { mock, clock, lines, api: createApiClient({ connection, logger, clock, userAgent: "podway/test" }) };
}

const page = (metadata: object, items: unknown = [{ metadata: { name: "a" } }]): object => ({
  kind: "EndpointSliceList",
  metadata,
  items,
});

describe("a list", () => {
  test("sends selectors, paging, credentials and what it accepts, and gives the page", async () => {
    const { api, mock } = client(
      http.get(SLICES, () =>
        HttpResponse.json(page({ resourceVersion: "7", continue: "more", remainingItemCount: 12 })),
      ),
    );
    const found = await api.list({ ...slices, labelSelector: "a=b,c" }, { limit: 500, continue: "x+/=" }, signal);
    assertEquals(found, {
      items: [{ json: { metadata: { name: "a" } } }],
      resourceVersion: "7",
      continue: "more",
      remaining: 12,
    });
    const [request] = mock.requests;
    assertEquals(Object.fromEntries(new URL(request!.url).searchParams), {
      labelSelector: "a=b,c",
      limit: "500",
      continue: "x+/=",
    });
    assertEquals(request!.headers.get("authorization"), "Bearer s3cr3t-token");
    assertEquals(request!.headers.get("user-agent"), "podway/test");
    assertEquals(request!.headers.get("accept"), "application/json");
    assertEquals(request!.headers.get("accept-encoding"), "gzip");
  });

  test("reads an empty list, written as null or with an empty continue", async () => {
    const { api } = client(
      http.get(SLICES, () => HttpResponse.json(page({ resourceVersion: "7", continue: "" }, null))),
    );
    const found = await api.list(slices, {}, signal);
    assertEquals([found.items, found.continue], [[], undefined]);
  });

  test("of something else is garbage with a sentence, and nothing of it is handed out", async () => {
    const bodies: [string, string][] = [
      ["<!DOCTYPE html><html>Sign in</html>", "an HTML page"],
      ["", "nothing"],
      ['{"kind":"EndpointSliceList","items":[{"metadata":{"name":"a"}},{"meta', "not (whole) JSON"],
      [JSON.stringify({ ...page({ resourceVersion: "1" }), kind: "PodList" }), '"PodList", not EndpointSliceList'],
      ["[]", "kind (none)"],
      ["null", "kind (none)"],
      [JSON.stringify(page({})), "no metadata.resourceVersion"],
      [JSON.stringify(page({ resourceVersion: "1" }, { a: 1 })), "items are not an array"],
      ['{"kind":"EndpointSliceList","metadata":{"resourceVersion":"1"}}', "no items"],
    ];
    for (const [body, words] of bodies) {
      const { api } = client(http.get(SLICES, () => new HttpResponse(body)));
      const error = (await assertRejects(() => api.list(slices, {}, signal), ApiError)) as ApiError;
      assertEquals(error.code, "garbage");
      assertStringIncludes(error.message, words);
    }
  });

  test("that never ends is given up at the limit, without being held", async () => {
    let sent = 0;
    const chunk = new Uint8Array(1024 * 1024).fill(0x20);
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.length;
        if (sent > 4 * PAGE_LIMIT) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const { api } = client(http.get(SLICES, () => new HttpResponse(endless)));
    const error = (await assertRejects(() => api.list(slices, {}, signal), ApiError)) as ApiError;
    assertEquals(error.code, "garbage");
    assert(sent <= PAGE_LIMIT + 4 * chunk.length, `read ${sent} bytes`);
  });

  test("of a redirect or a page that says no is an error with its status, shown in short", async () => {
    const { api } = client(
      http.get(SLICES, () => new HttpResponse("<html>Bad gateway</html>", { status: 502 }), { once: true }),
      http.get(SLICES, () => new HttpResponse("upstream\nsays no", { status: 503, headers: { "retry-after": "9" } })),
    );
    const first = (await assertRejects(() => api.list(slices, {}, signal), ApiError)) as ApiError;
    assertEquals([first.code, first.status], ["server", 502]);
    const second = (await assertRejects(() => api.list(slices, {}, signal), ApiError)) as ApiError;
    assertStringIncludes(second.message, "upstream says no");
    assertEquals(second.retryAfterMs, 9000);
  });

  test("that is not answered in 30 s is given up", async () => {
    const { api, clock } = client(http.get(SLICES, () => new Promise<never>(() => {})));
    const failed = assertRejects(() => api.list(slices, {}, signal), ApiError, "no whole answer within 30 s");
    await clock.advance(30_000);
    assertEquals(((await failed) as ApiError).code, "unreachable");
    assertEquals(clock.pending, 0);
  });

  test("ends with the caller's reason when its signal aborts", async () => {
    const { api } = client(http.get(SLICES, () => new Promise<never>(() => {})));
    const controller = new AbortController();
    const ended = assertRejects(() => api.list(slices, {}, controller.signal), RangeError);
    controller.abort(new RangeError("enough"));
    await ended;
  });
});

test("credentials that cannot be had are told in their own words, and nothing is sent", async () => {
  const { mock, clock } = client();
  const connection: ApiserverConnection = {
    server: SERVER,
    fetch: mock.fetch,
    credentials: {
      ...noCredentials,
      authorization: async () => {
        throw new Error("exec plugin login ended with exit code 1: the session timed out");
      },
    },
    files: [],
    refresh: async () => {},
  };
  const api = createApiClient({ connection, logger: recordingLogger().logger, clock });
  const error = (await assertRejects(() => api.list(slices, {}, signal), ApiError)) as ApiError;
  assertEquals(error.code, "unauthorized");
  assertEquals(
    error.message,
    "cannot list endpointslices in all namespaces at https://apiserver.test:6443: no credentials: exec plugin login ended with exit code 1: the session timed out",
  );
  assertEquals(mock.requests.length, 0);
});

describe("a watch", () => {
  test("sends what it should and gives the events as they come", async () => {
    const body = `${JSON.stringify({ type: "ADDED", object: { metadata: { name: "é" } } })}\n`;
    const { api, mock } = client(http.get(SLICES, () => new HttpResponse(body)));
    const events: WatchEvent[] = [];
    let bytes = 0;
    const query = { resourceVersion: "7", timeoutSeconds: 250 };
    for await (const some of api.watch<never>(slices, query, { signal, onBytes: () => bytes++ })) events.push(...some);
    assertEquals(events, [{ type: "ADDED", object: { metadata: { name: "é" } } }]);
    assertEquals(bytes, 2);
    assertEquals(Object.fromEntries(new URL(mock.requests[0]!.url).searchParams), {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: "7",
      timeoutSeconds: "250",
    });
  });

  test("ends its request when the loop is left", async () => {
    let cancelled = false;
    const line = new TextEncoder().encode(
      `${JSON.stringify({ type: "ADDED", object: { metadata: { name: "a" } } })}\n`,
    );
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(line),
      cancel: () => {
        cancelled = true;
      },
    });
    const { api, clock } = client(http.get(SLICES, () => new HttpResponse(body)));
    for await (const _ of api.watch(slices, { resourceVersion: "7", timeoutSeconds: 250 }, { signal, onBytes() {} }))
      break;
    await clock.settle();
    assert(cancelled);
    assertEquals(clock.pending, 0);
  });
});

test("get reads any path's JSON", async () => {
  const { api } = client(http.get(`${SERVER}/version`, () => HttpResponse.json({ major: "1" })));
  assertEquals(await api.get("/version", signal), { major: "1" });
});

test("no error and no log line ever holds the token", async () => {
  const { api, lines } = client(
    http.get(SLICES, () => HttpResponse.json({ kind: "Status", code: 401, message: "Unauthorized" }, { status: 401 })),
  );
  const error = await assertRejects(() => api.list(slices, {}, signal), ApiError);
  assertNotMatch(`${error.message} ${error.stack} ${Bun.inspect(error)} ${JSON.stringify(lines)}`, /s3cr3t-token/);
});

test("a collection's path is that of the API, with names encoded", () => {
  assertEquals(collectionPath(slices, {}), "/apis/discovery.k8s.io/v1/endpointslices");
  assertEquals(
    collectionPath(
      { groupVersion: "api/v1", resource: "endpoints", listKind: "EndpointsList", namespace: "a/b" },
      { limit: "1" },
    ),
    "/api/v1/namespaces/a%2Fb/endpoints?limit=1",
  );
});
