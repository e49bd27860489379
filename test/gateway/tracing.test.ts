import { describe, test } from "bun:test";
import {
  ATTR_CLIENT_ADDRESS,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_HTTP_REQUEST_RESEND_COUNT,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_K8S_NAMESPACE_NAME,
  ATTR_K8S_POD_NAME,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_PEER_PORT,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
  ATTR_URL_FULL,
  ATTR_URL_PATH,
  ATTR_URL_QUERY,
  ATTR_URL_SCHEME,
  ATTR_USER_AGENT_ORIGINAL,
} from "@opentelemetry/semantic-conventions";
import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import packageJson from "../../package.json" with { type: "json" };
import { closedPort } from "../helpers/closed-port.ts";
import { serveEmbedded } from "../helpers/embedded.ts";
import { type CollectedSpan, type Collector, KIND, startCollector } from "../helpers/otlp-collector.ts";
import { until } from "../helpers/wait.ts";
import { clusterBlock, slice } from "./objects.ts";
import { type Pods, startPods } from "./pods.ts";
import { logged, type ServedGateway, serve } from "./support.ts";

const JSON_ENV = { OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" };
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

interface Stage extends AsyncDisposable {
  readonly gateway: ServedGateway;
  readonly collector: Collector;
  readonly pods: Pods;
}

/** A gateway that traces, one pod behind `/shop`, and a collector. */
async function stage(more: object = {}, env: Record<string, string> = JSON_ENV): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  const collector = stack.use(startCollector());
  const pods = stack.use(
    await startPods(1, {
      answer: (request) =>
        new Response("ok", { status: Number(new URL(request.url).searchParams.get("status") ?? 200) }),
    }),
  );
  const gateway = stack.use(
    await serve(
      {
        routes: [{ id: "shop", path: "/shop", nodes: [{ host: pods.all[0]!.ip, port: pods.port }] }],
        tracing: { otlp_endpoint: collector.url, ...more },
      },
      { env },
    ),
  );
  return { gateway, collector, pods, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Ends the gateway, which sends what waits. There are so many spans: of kind SERVER first, then the others, by their start. */
async function collected({ gateway, collector }: Omit<Stage, "pods" | keyof AsyncDisposable>, count: number) {
  assertEquals(await gateway.stop(), 0);
  assertEquals(collector.spans.length, count);
  return collector.spans.toSorted((a, b) => a.kind - b.kind || Number(a.start - b.start));
}

const sentParent = (pods: Pods): string[] => pods.received.at(-1)!.headers.get("traceparent")!.split("-");

describe("tracing", () => {
  test("goes on with the client's trace: a span for the request, one for the attempt, its context to the pod", async () => {
    await using at = await stage();
    const headers = {
      traceparent: `00-${TRACE}-${PARENT}-01`,
      tracestate: "vendor=a,other=b",
      baggage: "user=alice",
      "user-agent": "tester/1",
      host: "shop.test:8443",
    };
    assertEquals((await at.gateway.fetch("/shop/cart?n=1&token=hush", { headers })).status, 200);
    const [server, client] = (await collected(at, 2)) as [CollectedSpan, CollectedSpan];

    assertEquals([server.name, server.kind, server.status], ["GET /shop/*", KIND.server, 0]);
    assertEquals([server.traceId, server.parentSpanId, server.traceState], [TRACE, PARENT, "vendor=a,other=b"]);
    assertEquals(server.attributes, {
      [ATTR_HTTP_REQUEST_METHOD]: "GET",
      [ATTR_URL_SCHEME]: "http",
      [ATTR_URL_PATH]: "/shop/cart",
      [ATTR_URL_QUERY]: "n=1&token=REDACTED",
      [ATTR_SERVER_ADDRESS]: "shop.test",
      [ATTR_SERVER_PORT]: 8443,
      [ATTR_CLIENT_ADDRESS]: "127.0.0.1",
      [ATTR_NETWORK_PEER_ADDRESS]: "127.0.0.1",
      [ATTR_USER_AGENT_ORIGINAL]: "tester/1",
      [ATTR_HTTP_ROUTE]: "/shop/*",
      [ATTR_HTTP_RESPONSE_STATUS_CODE]: 200,
      "podway.attempts": 1,
      "podway.route": "shop",
      "podway.service": "shop",
    });
    assertEquals(server.resource[ATTR_SERVICE_NAME], "podway");
    assertEquals(server.resource[ATTR_SERVICE_VERSION], packageJson.version);

    const pod = at.pods.all[0]!;
    assertEquals([client.name, client.kind, client.status], ["GET", KIND.client, 0]);
    assertEquals([client.traceId, client.parentSpanId], [TRACE, server.spanId]);
    assertEquals(client.attributes, {
      [ATTR_HTTP_REQUEST_METHOD]: "GET",
      [ATTR_URL_FULL]: `http://${pod.ip}:${pod.port}/shop/cart?n=1&token=REDACTED`,
      [ATTR_SERVER_ADDRESS]: pod.ip,
      [ATTR_SERVER_PORT]: pod.port,
      [ATTR_NETWORK_PEER_ADDRESS]: pod.ip,
      [ATTR_NETWORK_PEER_PORT]: pod.port,
      [ATTR_HTTP_RESPONSE_STATUS_CODE]: 200,
    });
    assert(server.start <= client.start && client.end <= server.end, "the attempt is within the request");

    const [received] = at.pods.received;
    assertEquals(received!.headers.get("traceparent"), `00-${TRACE}-${client.spanId}-01`);
    assertEquals(received!.headers.get("tracestate"), "vendor=a,other=b");
    assertEquals(received!.headers.get("baggage"), "user=alice");
    assertEquals(received!.target, "/shop/cart?n=1&token=hush", "what the pod is asked for is not redacted");
  });

  test("begins a trace where the client sent none, or none that is valid, and then drops the state", async () => {
    await using at = await stage();
    const sent: Record<string, string>[] = [{}, { traceparent: "00-xyz-1-01", tracestate: "vendor=a" }];
    for (const headers of sent) {
      await at.gateway.fetch("/shop", { headers });
      const [version, trace, , flags] = sentParent(at.pods);
      assertEquals([version, flags], ["00", "01"]);
      assertMatch(trace!, /^[0-9a-f]{32}$/);
      assertEquals(at.pods.received.at(-1)!.headers.get("tracestate"), null);
    }
    const spans = await collected(at, 4);
    assertEquals(spans[0]!.parentSpanId || undefined, undefined);
    assertEquals(new Set(spans.map(({ traceId }) => traceId)).size, 2);
  });

  test("has a span for each attempt of a request that is retried", async () => {
    await using collector = startCollector();
    await using pods = await startPods(1);
    const closed = await closedPort();
    await using gateway = await serve(
      {
        routes: [
          {
            id: "shop",
            nodes: [
              { host: "127.0.0.1", port: closed, weight: 1 },
              { host: pods.all[0]!.ip, port: pods.port, weight: 1 },
            ],
            health: { passive: false },
          },
        ],
        tracing: { otlp_endpoint: collector.url },
      },
      { env: JSON_ENV },
    );
    // They take turns: one of the requests begins at the address where nobody listens.
    for (let i = 0; i < 3; i++) assertEquals((await gateway.fetch("/")).status, 200);
    await until(() => collector.spans.filter(({ kind }) => kind === KIND.server).length === 3, {
      message: "all spans",
    });
    const traces = Map.groupBy(
      collector.spans.toSorted((a, b) => Number(a.start - b.start)),
      ({ traceId }) => traceId,
    );
    const spans = [...traces.values()].find((of) => of.length === 3)!;
    const [failed, again] = spans.filter(({ kind }) => kind === KIND.client) as [CollectedSpan, CollectedSpan];
    assertEquals(
      [failed.attributes[ATTR_SERVER_PORT], failed.attributes[ATTR_ERROR_TYPE], failed.status],
      [closed, "connect", 2],
    );
    assertEquals(failed.attributes[ATTR_HTTP_REQUEST_RESEND_COUNT], undefined);
    assertEquals(
      [again.attributes[ATTR_SERVER_PORT], again.attributes[ATTR_HTTP_REQUEST_RESEND_COUNT], again.status],
      [pods.port, 1, 0],
    );
    const server = spans.find(({ kind, traceId }) => kind === KIND.server && traceId === failed.traceId)!;
    assertEquals([failed.parentSpanId, again.parentSpanId], [server.spanId, server.spanId]);
    assertEquals([server.attributes["podway.attempts"], server.status], [2, 0]);
    const arrived = pods.received.find(({ headers }) => headers.get("traceparent")!.includes(failed.traceId))!;
    assertEquals(arrived.headers.get("traceparent")!.split("-")[2], again.spanId, "the pod is told of its own attempt");
  });

  test("leaves a trace alone that its client does not record, and passes it on as such", async () => {
    await using at = await stage();
    await at.gateway.fetch("/shop", { headers: { traceparent: `00-${TRACE}-${PARENT}-00` } });
    const [, trace, span, flags] = sentParent(at.pods);
    assertEquals([trace, flags], [TRACE, "00"]);
    assertNotEquals(span, PARENT);
    await collected(at, 0);
  });

  test("records no trace that begins here with `sample: 0`, but those whose client does", async () => {
    await using at = await stage({ sample: 0 });
    for (let i = 0; i < 20; i++) await at.gateway.fetch("/shop");
    assertEquals(sentParent(at.pods)[3], "00");
    await at.gateway.fetch("/shop", { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } });
    const spans = await collected(at, 2);
    assertEquals(new Set(spans.map(({ traceId }) => traceId)), new Set([TRACE]));
  });

  test("tells errors: of pods, of the gateway itself, and methods that nobody knows", async () => {
    await using at = await stage();
    for (const path of ["/shop?status=503", "/shop?status=404", "/nowhere"]) await at.gateway.fetch(path);
    await at.gateway.fetch("/shop", { method: "PROPFIND" });
    const spans = await collected(at, 7);
    const told = spans.map(({ name, kind, status, attributes }) => [
      name,
      kind,
      attributes[ATTR_HTTP_RESPONSE_STATUS_CODE],
      attributes[ATTR_ERROR_TYPE],
      status,
    ]);
    assertEquals(told, [
      ["GET /shop/*", KIND.server, 503, "503", 2],
      ["GET /shop/*", KIND.server, 404, undefined, 0],
      ["GET", KIND.server, 404, "no_route", 0],
      ["HTTP /shop/*", KIND.server, 200, undefined, 0],
      ["GET", KIND.client, 503, "503", 2],
      ["GET", KIND.client, 404, "404", 2],
      ["HTTP", KIND.client, 200, undefined, 0],
    ]);
    const { attributes } = spans.at(-1)!;
    assertEquals(
      [attributes[ATTR_HTTP_REQUEST_METHOD], attributes[ATTR_HTTP_REQUEST_METHOD_ORIGINAL]],
      ["_OTHER", "PROPFIND"],
    );
  });

  test("names the pod that Kubernetes tells of", async () => {
    await using collector = startCollector();
    await using api = await serveEmbedded();
    await using pods = await startPods(1);
    const targetRef = { kind: "Pod", namespace: "default", name: "web-7d4b9" };
    api.api.apply(slice("web", [{ addresses: [pods.all[0]!.ip], conditions: { ready: true }, targetRef }], pods.port));
    await using gateway = await serve(
      {
        discovery: { kubernetes: clusterBlock(api) },
        routes: [{ id: "web", service: "default/web:http" }],
        tracing: { otlp_endpoint: `${collector.url}/otlp/` },
      },
      { env: { ...JSON_ENV, OTEL_SERVICE_NAME: "edge", OTEL_RESOURCE_ATTRIBUTES: "team=a%20b,service.name=other" } },
    );
    assertEquals((await gateway.fetch("/x")).status, 200);
    const [server, client] = (await collected({ gateway, collector }, 2)) as [CollectedSpan, CollectedSpan];
    const { attributes } = client;
    assertEquals([attributes[ATTR_K8S_POD_NAME], attributes[ATTR_K8S_NAMESPACE_NAME]], ["web-7d4b9", "default"]);
    assertEquals([server.attributes["podway.service"], server.name], ["default/web:http", "GET /*"]);
    assertEquals([server.resource[ATTR_SERVICE_NAME], server.resource.team], ["edge", "a b"]);
    assertEquals(collector.requests[0]!.path, "/otlp/v1/traces");
  });

  test("speaks protobuf unless told otherwise, with the configured headers", async () => {
    await using at = await stage({ headers: { "x-api-key": "s3cret" } }, {});
    const parent = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: "vendor=ä" };
    await at.gateway.fetch("/shop", { headers: parent });
    await at.gateway.stop();
    const [{ headers, body, path }] = at.collector.requests as [Collector["requests"][number]];
    assertEquals(path, "/v1/traces");
    assertEquals([headers.get("content-type"), headers.get("x-api-key")], ["application/x-protobuf", "s3cret"]);
    // ExportTraceServiceRequest.resource_spans (1) > scope_spans (2) > spans (2) > trace_id (1), name (5).
    const spans = fields(body, 1).flatMap((resource) => fields(resource, 2).flatMap((scope) => fields(scope, 2)));
    const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
    assertEquals(spans.map((span) => text(fields(span, 5)[0])).sort(), ["GET", "GET /shop/*"]);
    for (const span of spans) assertEquals(fields(span, 1)[0]!.toHex(), TRACE);
    const [server, client] = spans.toSorted((a, b) => a.length - b.length).toReversed() as [Uint8Array, Uint8Array];
    assertEquals(fields(server, 4)[0]!.toHex(), PARENT);
    assertEquals(fields(client, 4)[0]!.toHex(), fields(server, 2)[0]!.toHex());
    assertEquals(text(fields(server, 3)[0]), "vendor=ä");
    const attributes = fields(server, 9).map((pair) => [text(fields(pair, 1)[0]), fields(pair, 2)[0]!.toHex()]);
    // AnyValue: field 1 is a string with its length, field 3 a varint.
    assertEquals(attributes.find(([name]) => name === ATTR_URL_SCHEME)?.[1], "0a0468747470");
    assertEquals(attributes.find(([name]) => name === ATTR_HTTP_RESPONSE_STATUS_CODE)?.[1], "18c801");
  });

  test.each([
    ["http/protobuf", () => new Response(Uint8Array.fromHex("0a020801"))],
    ["http/json", () => Response.json({ partialSuccess: { rejectedSpans: "1" } })],
  ] as const)("counts the spans that a collector did not want, by %s", async (protocol, answer) => {
    await using at = await stage({}, { OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
    at.collector.answer = answer;
    await at.gateway.fetch("/shop");
    await until(() => at.collector.requests.length === 1, { message: "a batch" });
    const line = 'podway_trace_spans_total{result="refused"} 1';
    await until(async () => (await (await fetch(`${at.gateway.adminUrl}/metrics`)).text()).includes(line), {
      message: "the count",
    });
  });

  test("never touches requests while nobody collects; it is said once, and what waits is sent when somebody does", async () => {
    const port = await closedPort();
    await using pods = await startPods(1);
    await using gateway = await serve(
      {
        routes: [{ id: "shop", nodes: [{ host: pods.all[0]!.ip, port: pods.port }] }],
        tracing: { otlp_endpoint: `http://127.0.0.1:${port}` },
      },
      { env: JSON_ENV },
    );
    const ask = async (): Promise<void> => assertEquals((await gateway.fetch("/")).status, 200);
    await ask();
    await logged(gateway, "Spans are not taken");
    await ask();
    await using collector = startCollector(port);
    await until(() => collector.spans.length === 4, { message: "all spans" });
    await logged(gateway, "Spans are taken by the OTLP endpoint again");
    assertEquals(gateway.stderr.filter((line) => line.includes("Spans are not taken")).length, 1);
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    assertStringIncludes(metrics, 'podway_trace_spans_total{result="exported"} 4');
    assertStringIncludes(metrics, 'podway_trace_spans_total{result="dropped"} 0');
  });

  test("is sent a second after it was recorded, and named in the access log", async () => {
    await using at = await stage();
    await at.gateway.fetch("/shop", { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } });
    await until(() => at.collector.spans.length === 2, { message: "both spans" });
    await at.gateway.stop();
    const line = JSON.parse(at.gateway.stdout.find((one) => one.startsWith("{"))!);
    assertEquals([line.trace_id, line.route], [TRACE, "shop"]);
  });

  test("that is off lets every header of a trace through as it is, and adds no field to the log", async () => {
    await using pods = await startPods(1);
    await using gateway = await serve({ routes: [{ nodes: [{ host: pods.all[0]!.ip, port: pods.port }] }] });
    await gateway.fetch("/", { headers: { traceparent: "anything", tracestate: "a=b", baggage: "c=d" } });
    const { headers } = pods.received[0]!;
    assertEquals(
      ["traceparent", "tracestate", "baggage"].map((name) => headers.get(name)),
      ["anything", "a=b", "c=d"],
    );
    await gateway.stop();
    assertEquals("trace_id" in JSON.parse(gateway.stdout.find((one) => one.startsWith("{"))!), false);
  });
});

/** The values of a length-delimited field of a protobuf message. */
function fields(message: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const wire = key % 8;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else {
      const length = varint();
      if ((key - wire) / 8 === wanted) found.push(message.subarray(at, at + length));
      at += length;
    }
  }
  return found;
}
