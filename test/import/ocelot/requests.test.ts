import { afterAll, beforeAll, describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";
import { slice } from "../../gateway/objects.ts";
import { type Pods, startPods } from "../../gateway/pods.ts";
import { type ServedGateway, serve } from "../../gateway/support.ts";
import { serveEmbedded } from "../../helpers/embedded.ts";
import { until } from "../../helpers/wait.ts";
import { filesOf, imported, WRITTEN_PORT } from "./support.ts";

/** A request, and what Ocelot's documentation says becomes of it. */
interface Case {
  readonly what: string;
  readonly send: string;
  readonly init?: RequestInit;
  readonly status?: number;
  /** Method and target a pod gets, and which pod: `pod-1 GET /x`. Left out: no pod is asked. */
  readonly gets?: string;
}

/** The imported configuration with the port that the pods have. */
async function importedFor(name: string, port: number): Promise<object> {
  const files = (await filesOf(name)).map((file) => ({
    ...file,
    content: file.content.replaceAll(WRITTEN_PORT, String(port)),
  }));
  return parse(imported(files).gateway) as object;
}

const host = (name: string): RequestInit => ({ headers: { host: name } });
const header = (name: string, value: string): RequestInit => ({ headers: { [name]: value } });

const TABLES: Readonly<Record<string, readonly Case[]>> = {
  routing: [
    { what: "a placeholder moves", send: "/posts/5", init: { method: "PUT" }, gets: "pod-1 PUT /api/posts/5" },
    {
      what: "the query goes along",
      send: "/posts/5?x=1",
      init: { method: "DELETE" },
      gets: "pod-1 DELETE /api/posts/5?x=1",
    },
    { what: "another method falls through", send: "/posts/5", gets: "pod-1 GET /posts/5" },
    { what: "and is refused where none takes it", send: "/posts/5", init: { method: "PATCH" }, status: 404 },
    {
      what: "case means nothing by default",
      send: "/POSTS/Ab",
      init: { method: "PUT" },
      gets: "pod-1 PUT /api/posts/Ab",
    },
    { what: "the higher Priority is first", send: "/goods/delete", gets: "pod-2 GET /trash" },
    { what: "the lower takes what is left", send: "/goods/5/x", gets: "pod-1 GET /goods/5/x" },
    { what: "a placeholder has a value", send: "/invoices/123", gets: "pod-1 GET /api/invoices/123" },
    { what: "or is empty", send: "/invoices/", gets: "pod-1 GET /api/invoices/" },
    { what: "or its slash is missing too", send: "/invoices", gets: "pod-1 GET /api/invoices" },
    { what: "several placeholders", send: "/users/7/orders/a/b", gets: "pod-1 GET /orders/of/7/a/b" },
    { what: "RouteIsCaseSensitive", send: "/Users/7/orders/a", gets: "pod-1 GET /Users/7/orders/a" },
    { what: "a closing slash may be left out", send: "/closing", gets: "pod-1 GET /closed" },
    { what: "or be there", send: "/Closing/", gets: "pod-1 GET /closed" },
    { what: "/ comes before the catch-all route", send: "/", gets: "pod-2 GET /" },
    { what: "the catch-all route", send: "/any/thing?a=b", gets: "pod-1 GET /any/thing?a=b" },
  ],
  queries: [
    {
      what: "from the path into the query",
      send: "/api/units/s1/u1/updates",
      gets: "pod-1 GET /api/subscriptions/s1/updates?unitId=u1",
    },
    {
      what: "from the query into the path",
      send: "/api/subscriptions/s1/updates?unitId=u1",
      gets: "pod-1 GET /api/units/s1/u1/updates?unitId=u1",
    },
    { what: "without the parameter it is no match", send: "/api/subscriptions/s1/updates", status: 404 },
    {
      what: "the whole query passes",
      send: "/contracts?$filter=a%20eq%201&b",
      gets: "pod-1 GET /apipath/contracts?$filter=a%20eq%201&b",
    },
    { what: "or there is none", send: "/contracts", gets: "pod-1 GET /apipath/contracts" },
    { what: "another name keeps the parameter", send: "/path/9/go?x=1", gets: "pod-1 GET /path2/go?x=1&server=9" },
    { what: "the same name takes it out", send: "/users?userId=4&b=1", gets: "pod-1 GET /persons?b=1&personId=4" },
    { what: "a fixed parameter", send: "/fixed?a=1", gets: "pod-1 GET /fixed?a=1&source=gateway" },
  ],
  "hosts-and-headers": [
    { what: "UpstreamHost is favoured", send: "/x", init: host("somedomain.com"), gets: "pod-2 GET /x" },
    { what: "with any port and case", send: "/x", init: host("SomeDomain.com:8080"), gets: "pod-2 GET /x" },
    { what: "other hosts take the route without", send: "/x", init: host("other.example"), gets: "pod-1 GET /x" },
    {
      what: "a header's value in any case",
      send: "/country",
      init: header("region", "EUROPE"),
      gets: "pod-3 GET /europe",
    },
    { what: "a header's value in the path", send: "/country", init: header("country", "PL"), gets: "pod-3 GET /of/PL" },
    { what: "without the header", send: "/country", gets: "pod-1 GET /country" },
  ],
  guards: [
    { what: "what asked for a token is shut", send: "/private/x", status: 403 },
    { what: "AllowAnonymous is open", send: "/public/x", gets: "pod-1 GET /x" },
  ],
};

for (const [name, cases] of Object.entries(TABLES)) {
  describe(name, () => {
    let pods: Pods;
    let gateway: ServedGateway;
    beforeAll(async () => {
      pods = await startPods(3);
      gateway = await serve(await importedFor(name, pods.port));
    });
    afterAll(async () => {
      await gateway[Symbol.asyncDispose]();
      await pods[Symbol.asyncDispose]();
    });
    for (const { what, send, init, status = 200, gets } of cases) {
      test(`${what}: ${send}`, async () => {
        const before = pods.received.length;
        const response = await gateway.fetch(send, init);
        await response.body?.cancel();
        const asked = pods.received.slice(0).filter((one) => !known.has(one));
        for (const one of asked) known.add(one);
        assertEquals(response.status, status);
        assertEquals(pods.received.length - before, gets === undefined ? 0 : 1);
        assertEquals(
          asked.map(({ pod, method, target }) => `${pod} ${method} ${target}`),
          gets === undefined ? [] : [gets],
        );
      });
    }
  });
}

const known = new Set<unknown>();

/** Serves an imported configuration before pods of its own. */
async function served(name: string, answer?: (request: Request, pod: string) => Response | Promise<Response>) {
  const pods = await startPods(3, answer && { answer });
  const gateway = await serve(await importedFor(name, pods.port));
  const asked = async (path: string, init?: RequestInit): Promise<string> => (await gateway.fetch(path, init)).text();
  return {
    pods,
    gateway,
    asked,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await pods[Symbol.asyncDispose]();
    },
  };
}

describe("balancing", () => {
  test("RoundRobin, for one route and for a group", async () => {
    await using all = await served("balancing");
    for (const path of ["/robin", "/grouped"]) {
      const turns = [await all.asked(path), await all.asked(path), await all.asked(path), await all.asked(path)];
      assertEquals(turns.toSorted(), ["pod-1", "pod-1", "pod-2", "pod-2"], path);
      assert(turns[0] !== turns[1], path);
    }
  });

  test("LeastConnection: the one that is busy is left alone", async () => {
    const busy = Promise.withResolvers<void>();
    let held = false;
    await using all = await served("balancing", async (_request, pod) => {
      if (!held) {
        held = true;
        await busy.promise;
      }
      return new Response(pod);
    });
    const first = all.asked("/least");
    await until(() => held, "the pod to be asked");
    const others = new Set([await all.asked("/least"), await all.asked("/least"), await all.asked("/least")]);
    busy.resolve();
    assertEquals(others.size, 1);
    assert(!others.has(await first));
  });

  test("CookieStickySessions: a session stays where it is", async () => {
    await using all = await served("balancing");
    const of = (session: number) => all.asked("/sticky", header("cookie", `.AspNetCore.Session=s${session}`));
    const places = new Set<string>();
    for (let session = 0; session < 12; session++) {
      const place = await of(session);
      places.add(place);
      assertEquals([await of(session), await of(session)], [place, place]);
    }
    assertEquals(places.size, 2);
  });

  test("no balancer: the first address, whatever others there are", async () => {
    await using all = await served("balancing");
    const places = [await all.asked("/first"), await all.asked("/first"), await all.asked("/first")];
    assertEquals(places, ["pod-1", "pod-1", "pod-1"]);
  });
});

test("rate-limits: Limit a client and Period, its own status and words, and nothing for who is whitelisted", async () => {
  await using all = await served("rate-limits");
  const get = (client: string, path = "/limited") => all.gateway.fetch(path, header("Test", client));
  assertEquals((await get("a")).status, 200);
  const refused = await get("a");
  assertEquals(refused.status, 418);
  assertEquals(((await refused.json()) as { detail: string }).detail, "Customize Tips!");
  assert(Number(refused.headers.get("retry-after")) > 0);
  assertEquals(refused.headers.get("x-ratelimit-limit"), "1");
  assertEquals((await get("b")).status, 200);
  for (let turn = 0; turn < 3; turn++) {
    assertEquals((await get("batch")).status, 200);
    assertEquals((await get("a", "/free")).status, 200);
  }
});

describe("transformations", () => {
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname === "/slow") await Bun.sleep(2000);
    if (pathname === "/redirect")
      return new Response(null, { status: 302, headers: { location: "http://localhost:6773/next" } });
    return new Response("ok");
  };

  test("headers are set and replaced both ways, and redirects are the client's", async () => {
    await using all = await served("transformations", answer);
    const response = await all.gateway.fetch("/headers", header("test", "see http://www.bbc.co.uk/news"));
    assertEquals(response.status, 302);
    assertEquals(response.headers.get("aunt"), "Alice");
    assertEquals(response.headers.get("location"), "https://api.mybusiness.com/next");
    const { headers } = all.pods.received[0]!;
    assertEquals(headers.get("uncle"), "Bob");
    assertEquals(headers.get("test"), "see http://ocelot.com/news");
    assertEquals(headers.get("x-forwarded-for"), "127.0.0.1");
    assertEquals(headers.get("x-client"), "127.0.0.1");
    assertEquals(headers.get("host"), `127.0.0.2:${all.pods.port}`);
    assert(headers.get("ocrequestid") !== null);
    assertEquals(response.headers.get("ocrequestid"), headers.get("ocrequestid"));
  });

  test("DownstreamHttpMethod, TimeoutValue and IPBlockedList", async () => {
    await using all = await served("transformations", answer);
    await all.asked("/method");
    assertEquals(all.pods.received.at(-1)!.method, "POST");
    assertEquals((await all.gateway.fetch("/slow")).status, 504);
    assertEquals((await all.gateway.fetch("/secure")).status, 403);
  });
});

describe("the providers of Kubernetes", () => {
  /** The imported configuration with the embedded apiserver in the place of the pod's own. */
  async function inCluster(name: string, url: string): Promise<object> {
    const config = parse(imported(await filesOf(name)).gateway) as { discovery: { kubernetes: object } };
    const service = { schema: "http", host: "127.0.0.1", port: Number(new URL(url).port) };
    return { ...config, discovery: { kubernetes: { ...config.discovery.kubernetes, service } } };
  }

  test("Kube asks at every request, and sees a change at once", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    const at = (pod: number) => slice("dev/downstreamservice", [pods.all[pod]!.ip], pods.port);
    api.api.apply(at(0));
    await using gateway = await serve(await inCluster("kube", api.url));
    const get = async (): Promise<string> => (await gateway.fetch("/Orders/5?a=1")).text();
    assertEquals(await get(), "pod-1");
    api.api.apply(at(1));
    assertEquals(await get(), "pod-2");
    assertEquals(
      pods.received.map(({ target }) => target),
      ["/5?a=1", "/5?a=1"],
    );
  });

  test("PollKube asks at its interval, here 100 ms", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    const at = (pod: number) => slice("dev/downstreamservice", [pods.all[pod]!.ip], pods.port);
    api.api.apply(at(0));
    await using gateway = await serve(await inCluster("pollkube", api.url));
    const get = async (): Promise<string> => (await gateway.fetch("/orders/5")).text();
    assertEquals(await get(), "pod-1");
    api.api.apply(at(1));
    await until(async () => (await get()) === "pod-2", "the change to be seen");
    assert(
      api.api.requests.every(({ query }) => !query.has("watch")),
      "it polls",
    );
  });

  test("WatchKube, and ServiceNamespace for one route", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    api.api.apply(slice("dev/downstreamservice", [pods.all[0]!.ip], pods.port));
    api.api.apply(slice("downstream-namespace/downstreamservice", [pods.all[1]!.ip], pods.port));
    await using gateway = await serve(await inCluster("namespaces", api.url));
    assertEquals(await (await gateway.fetch("/here/x")).text(), "pod-1");
    assertEquals(await (await gateway.fetch("/there/x")).text(), "pod-2");
  });

  test("DownstreamScheme names a port, else the first one is taken", async () => {
    await using api = await serveEmbedded();
    await using first = await startPods(1, { name: "first" });
    await using named = await startPods(1, { name: "http" });
    await using telemetry = await startPods(1, { name: "telemetry" });
    const ports = [
      { name: "https", port: first.port },
      { name: "http", port: named.port },
      { name: "telemetry", port: telemetry.port },
    ];
    api.api.apply(slice("default/my-service", [first.all[0]!.ip], ports));
    await using gateway = await serve(await inCluster("port-names", api.url));
    assertEquals(await (await gateway.fetch("/named/x")).text(), "http-1");
    assertEquals(await (await gateway.fetch("/first/x")).text(), "first-1");
    assertEquals(await (await gateway.fetch("/metrics")).text(), "telemetry-1");
  });

  test("several files are one configuration", async () => {
    await using api = await serveEmbedded();
    await using pods = await startPods(2);
    api.api.apply(slice("shop/orders", [pods.all[0]!.ip], pods.port));
    api.api.apply(slice("people/users", [pods.all[1]!.ip], pods.port));
    await using gateway = await serve(await inCluster("merged", api.url));
    assertEquals(await (await gateway.fetch("/orders/1")).text(), "pod-1");
    assertEquals(await (await gateway.fetch("/users/1")).text(), "pod-2");
  });
});
