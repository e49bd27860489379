import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { embedded } from "../helpers/embedded.ts";
import { configMap, get, type ListAnswer, type StatusAnswer } from "./client.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const names = (list: ListAnswer): string[] => list.items.map(({ metadata }) => metadata.name);
const abc = () => {
  const api = embedded();
  api.apply(["c", "a", "e", "b", "d"].map((name) => configMap(name)));
  return api;
};

describe("lists", () => {
  test("a list is sorted, of the right kind, and its items leave kind and apiVersion out", async () => {
    const list = await get(abc(), MAPS);
    assertEquals(list.kind, "ConfigMapList");
    assertEquals(names(list), ["a", "b", "c", "d", "e"]);
    assertEquals(list.items[0]!.kind, undefined as unknown as string);
  });

  test("a list of all namespaces is sorted by namespace, then name", async () => {
    const api = embedded();
    api.apply([configMap("b", {}, "two"), configMap("z", {}, "one"), configMap("a", {}, "two")]);
    assertEquals(names(await get(api, "/api/v1/configmaps")), ["z", "a", "b"]);
    assertEquals(names(await get(api, "/api/v1/namespaces/two/configmaps")), ["a", "b"]);
  });

  test("pages show one version, whatever is written between them", async () => {
    const api = abc();
    const first = await get(api, MAPS, { limit: "2" });
    assertEquals(names(first), ["a", "b"]);
    assertEquals(first.metadata.remainingItemCount, 3);
    api.apply(configMap("bb"));
    api.remove("ConfigMap", "default", "c");
    api.apply(configMap("d", { changed: "yes" }));
    const second = await get(api, MAPS, { limit: "2", continue: first.metadata.continue! });
    assertEquals(names(second), ["c", "d"]);
    assertEquals(second.items[1]!.metadata.labels, undefined);
    assertEquals(second.metadata.resourceVersion, first.metadata.resourceVersion);
    const third = await get(api, MAPS, { limit: "2", continue: second.metadata.continue! });
    assertEquals(names(third), ["e"]);
    assertEquals(third.metadata.continue, undefined);
    assertEquals(
      api.requests.map(({ page }) => page),
      [1, 2, 3],
    );
    assertEquals(names(await get(api, MAPS)), ["a", "b", "bb", "d", "e"]);
  });

  test("a continue token from before a compaction is 410 and offers to go on inconsistently", async () => {
    const api = abc();
    const first = await get(api, MAPS, { limit: "2" });
    api.apply(configMap("bb"));
    api.compact();
    const gone = await get<StatusAnswer>(api, MAPS, { limit: "2", continue: first.metadata.continue! });
    assertEquals([gone.code, gone.reason], [410, "Expired"]);
    assertStringIncludes(
      gone.message,
      "The provided continue parameter is too old to display a consistent list result",
    );
    const on = await get(api, MAPS, { limit: "2", continue: gone.metadata.continue! });
    assertEquals(names(on), ["bb", "c"]);
    assertEquals(on.metadata.resourceVersion, api.resourceVersion);
  });

  test("remainingItemCount is not told where a selector is used", async () => {
    const page = await get(abc(), MAPS, { limit: "1", labelSelector: "!x" });
    assert(page.metadata.continue);
    assertEquals(page.metadata.remainingItemCount, undefined);
  });

  test("the server may serve smaller pages than asked for", async () => {
    const api = abc();
    api.settings.maxPage = 3;
    assertEquals((await get(api, MAPS, { limit: "500" })).items.length, 3);
    assertEquals((await get(api, MAPS)).items.length, 5);
  });
});

describe("resourceVersion of a list", () => {
  const api = abc();
  const old = api.resourceVersion;
  api.apply(configMap("f"));
  const now = api.resourceVersion;
  const future = String(Number(now) + 1);
  const cases: [query: Record<string, string>, expected: number | string][] = [
    [{}, 6],
    [{ resourceVersion: "0" }, 6],
    [{ resourceVersion: "0", limit: "2" }, 6],
    [{ resourceVersion: old }, 6],
    [{ resourceVersion: old, resourceVersionMatch: "NotOlderThan" }, 6],
    [{ resourceVersion: old, resourceVersionMatch: "Exact" }, 5],
    [{ resourceVersion: now, resourceVersionMatch: "Exact" }, 6],
    [{ resourceVersion: future }, `504 Timeout: Too large resource version: ${future}, current: ${now}`],
    [{ resourceVersion: future, resourceVersionMatch: "Exact" }, "504 Timeout: Too large resource version"],
    [{ resourceVersion: "0", resourceVersionMatch: "Exact" }, "422"],
    [{ resourceVersionMatch: "Exact" }, "422"],
    [{ resourceVersion: "1", resourceVersionMatch: "Newest" }, "422"],
    [{ resourceVersion: "x" }, "400 invalid resource version"],
    [{ limit: "x" }, "400 strconv.ParseInt"],
    [{ continue: "x" }, "400 invalid continue token"],
    [{ sendInitialEvents: "true" }, "422"],
  ];
  for (const [query, expected] of cases) {
    test(`${JSON.stringify(query)} gives ${typeof expected === "number" ? `${expected} objects` : expected}`, async () => {
      const answer = await get<ListAnswer & StatusAnswer>(api, MAPS, query);
      if (typeof expected === "number") assertEquals(answer.items.length, expected);
      else assertStringIncludes(`${answer.code} ${answer.message}`, expected);
    });
  }

  test("an exact version that was compacted is 410", async () => {
    const api = abc();
    const old = api.resourceVersion;
    api.apply(configMap("f"));
    api.compact();
    const gone = await get<StatusAnswer>(api, MAPS, { resourceVersion: old, resourceVersionMatch: "Exact" });
    assertEquals([gone.code, gone.message], [410, "The resourceVersion for the provided list is too old."]);
  });

  test("a version the server has not reached names its cause, so that clients can tell it from other timeouts", async () => {
    const answer = await api.fetch(`${MAPS}?resourceVersion=${future}`);
    const status = (await answer.json()) as StatusAnswer;
    assertEquals(status.details!.causes![0]!.reason, "ResourceVersionTooLarge");
    assertEquals(answer.headers.get("retry-after"), "1");
  });
});

describe("field selectors", () => {
  const api = embedded();
  api.apply([configMap("a", {}, "one"), configMap("b", {}, "one"), configMap("a", {}, "two")]);
  const cases: [selector: string, expected: string[] | string][] = [
    ["metadata.name=a", ["one/a", "two/a"]],
    ["metadata.name==a,metadata.namespace!=one", ["two/a"]],
    ["metadata.namespace=one", ["one/a", "one/b"]],
    ["data.x=1", '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    ["nothing", "invalid selector: 'nothing'; can't understand 'nothing'"],
  ];
  for (const [fieldSelector, expected] of cases) {
    test(fieldSelector, async () => {
      const answer = await get<ListAnswer & StatusAnswer>(api, "/api/v1/configmaps", { fieldSelector });
      if (typeof expected === "string") assertEquals([answer.code, answer.message], [400, expected]);
      else
        assertEquals(
          answer.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
          expected,
        );
    });
  }

  test("pods can be selected by their node and phase, by nothing else", async () => {
    const api = embedded();
    const bad = await get<StatusAnswer>(api, "/api/v1/pods", { fieldSelector: "spec.x=1" });
    assertEquals(bad.code, 400);
    assertStringIncludes(bad.message, "field label not supported: spec.x");
    assertEquals(
      (await get(api, "/api/v1/pods", { fieldSelector: "spec.nodeName=n,status.phase!=Running" })).items,
      [],
    );
  });
});

describe("answers", () => {
  test("a big answer is compressed for a client that accepts gzip, and only then", async () => {
    const api = abc();
    api.settings.gzipBytes = 100;
    const url = `http://127.0.0.1${MAPS}`;
    const packed = await api.fetch(new Request(url, { headers: { "accept-encoding": "gzip" } }));
    assertEquals(packed.headers.get("content-encoding"), "gzip");
    const text = await new Response(packed.body!.pipeThrough(new DecompressionStream("gzip"))).text();
    assertEquals(text, await (await api.fetch(new Request(url))).text());
    const decoded = await api.fetch(MAPS, { headers: { "accept-encoding": "gzip" } });
    assertEquals(decoded.headers.get("content-encoding"), null);
    assertEquals(await decoded.text(), text);
  });

  test("pretty answers are indented, for curl without asking", async () => {
    const api = abc();
    assertStringIncludes(await (await api.fetch(`${MAPS}?pretty=true`)).text(), '\n  "kind": "ConfigMapList"');
    const curl = await api.fetch("/version", { headers: { "user-agent": "curl/8.0" } });
    assertStringIncludes(await curl.text(), '\n  "major": "1"');
  });

  test("slices are served as v1beta1 by a server that only has that, with zone as topology", async () => {
    const api = embedded({ sliceVersions: ["v1beta1"] });
    api.apply({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "s" },
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.0.0.1"], nodeName: "n", zone: "z" }],
    });
    assertEquals((await api.fetch("/apis/discovery.k8s.io/v1/endpointslices")).status, 404);
    const list = await get<ListAnswer & { apiVersion: string }>(api, "/apis/discovery.k8s.io/v1beta1/endpointslices");
    assertEquals(list.apiVersion, "discovery.k8s.io/v1beta1");
    assertEquals((list.items[0]!.endpoints as object[])[0], {
      addresses: ["10.0.0.1"],
      topology: { "kubernetes.io/hostname": "n", "topology.kubernetes.io/zone": "z" },
      nodeName: "n",
    });
  });

  test("2,000 slices are all there, each once, when they are listed in pages", async () => {
    const api = embedded();
    const endpoints = Array.from({ length: 15 }, (_, i) => ({ addresses: [`10.0.0.${i + 1}`] }));
    api.apply(
      Array.from({ length: 2000 }, (_, i) => ({
        kind: "EndpointSlice",
        metadata: { name: `s${i}` },
        addressType: "IPv4",
        endpoints,
      })),
    );
    let count = 0;
    let token = "";
    do {
      const page: ListAnswer = await get(api, "/apis/discovery.k8s.io/v1/endpointslices", {
        limit: "100",
        continue: token,
      });
      count += page.items.length;
      token = page.metadata.continue ?? "";
    } while (token);
    assertEquals(count, 2000);
  });
});
