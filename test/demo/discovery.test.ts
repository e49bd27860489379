import { describe, test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { embedded } from "../helpers/embedded.ts";
import { get } from "./client.ts";

interface Resources {
  readonly groupVersion: string;
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly shortNames?: readonly string[];
  }[];
}

describe("discovery", () => {
  test("lists versions, groups and resources", async () => {
    const api = embedded();
    assertEquals((await get<{ versions: string[] }>(api, "/api")).versions, ["v1"]);
    const { groups } = await get<{ groups: { name: string; versions: { version: string }[] }[] }>(api, "/apis");
    assertEquals(
      groups.map(({ name, versions }) => [name, versions.map(({ version }) => version)]),
      [["discovery.k8s.io", ["v1"]]],
    );
    const core = await get<Resources>(api, "/api/v1");
    assertEquals(core.resources.find(({ name }) => name === "endpoints")!.shortNames, ["ep"]);
    const slices = await get<Resources>(api, "/apis/discovery.k8s.io/v1");
    assertEquals([slices.groupVersion, slices.resources[0]!.kind], ["discovery.k8s.io/v1", "EndpointSlice"]);
  });

  test("shows both versions of the slices, or none, as the server is set", async () => {
    const api = embedded({ sliceVersions: ["v1", "v1beta1"] });
    assertEquals((await api.fetch("/apis/discovery.k8s.io/v1beta1")).status, 200);
    api.settings.sliceVersions = [];
    assertEquals((await api.fetch("/apis/discovery.k8s.io/v1")).status, 404);
    assertEquals((await get<{ groups: unknown[] }>(api, "/apis")).groups, []);
  });

  test("serves the OpenAPI documents that old and new kubectls ask for", async () => {
    const api = embedded();
    const accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    const old = await api.fetch("/openapi/v2", { headers: { accept } });
    assertEquals(old.headers.get("content-type"), "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
    assertStringIncludes(await old.text(), "2.0");
    const { paths } = await get<{ paths: Record<string, { serverRelativeURL: string }> }>(api, "/openapi/v3");
    for (const { serverRelativeURL } of Object.values(paths))
      assertEquals((await api.fetch(serverRelativeURL)).status, 200);
  });

  test("is healthy, and knows nothing of other pages", async () => {
    const api = embedded();
    for (const path of ["/healthz", "/livez", "/readyz"]) assertEquals(await (await api.fetch(path)).text(), "ok");
    const missing = await api.fetch("/apis/apps/v1/deployments");
    assertEquals([missing.status, await missing.text()], [404, "404 page not found\n"]);
    assertEquals((await api.fetch("/version", { method: "POST" })).status, 405);
  });

  test("is not served to clients that take neither JSON nor YAML", async () => {
    assertEquals((await embedded().fetch("/api/v1/pods", { headers: { accept: "text/html" } })).status, 406);
    const yaml = await embedded().fetch("/api/v1/pods", { headers: { accept: "application/yaml" } });
    assertStringIncludes(await yaml.text(), "kind: PodList\n");
  });
});
