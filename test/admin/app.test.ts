import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createAdminApp } from "../../src/admin/app.ts";
import { adminOptions, view } from "./support.ts";

const PATHS = [
  "/v1/discovery/kubernetes/dump",
  "/v1/discovery/kubernetes/nodes?service=a/b",
  "/v1/discovery/kubernetes/status",
  "/v1/routes",
  "/v1/config",
  "/v1/version",
  "/metrics",
];

describe("the admin API", () => {
  test("is open without a token; with one everything but the probes wants it", async () => {
    const open = createAdminApp(view(), adminOptions());
    const guarded = createAdminApp(view(), adminOptions("s3cret"));
    for (const path of PATHS) {
      assertEquals((await open.request(path)).status, 200, path);
      assertEquals((await guarded.request(path)).status, 401, path);
      assertEquals((await guarded.request(path, { headers: { authorization: "Bearer wrong" } })).status, 401);
      const right = await guarded.request(path, { headers: { authorization: "Bearer s3cret" } });
      assertEquals(right.status, 200, path);
    }
    assertEquals((await guarded.request("/nothing/here")).status, 401, "nobody learns which paths there are");
    for (const path of ["/healthz", "/readyz"]) assertEquals((await guarded.request(path)).status, 200);
  });

  test("/readyz is 503 while clusters are waited for, with which and why, and from SIGTERM on", async () => {
    const waiting = [{ id: "b", state: "forbidden", reason: "needs a ClusterRole" }];
    const notYet = createAdminApp(
      view({ readiness: () => ({ ready: false, draining: false, waiting }) }),
      adminOptions(),
    );
    const response = await notYet.request("/readyz");
    assertEquals([response.status, await response.json()], [503, { ready: false, draining: false, waiting }]);
    const going = createAdminApp(
      view({ readiness: () => ({ ready: true, draining: true, waiting: [] }) }),
      adminOptions(),
    );
    assertEquals((await going.request("/readyz")).status, 503);
    assertEquals((await going.request("/healthz")).status, 200);
  });

  test("/readyz says without the token which cluster is waited for and not why", async () => {
    const waiting = [{ id: "b", state: "forbidden", reason: "the apiserver's own words" }];
    const seen = view({ readiness: () => ({ ready: false, draining: false, waiting }) });
    const guarded = createAdminApp(seen, adminOptions("s3cret"));
    const ask = async (app: typeof guarded, headers: Record<string, string>) =>
      (await (await app.request("/readyz", { headers })).json()).waiting;
    assertEquals(await ask(guarded, {}), [{ id: "b" }]);
    assertEquals(await ask(guarded, { authorization: "Bearer wrong" }), [{ id: "b" }]);
    assertEquals(await ask(guarded, { authorization: "Bearer s3cret" }), waiting);
    assertEquals(await ask(createAdminApp(seen, adminOptions()), { host: "attacker.example" }), [{ id: "b" }]);
  });

  test("/v1/version says what runs since when", async () => {
    const app = createAdminApp(view(), adminOptions());
    assertEquals(await (await app.request("/v1/version")).json(), {
      version: "1.2.3",
      runtime: "bun",
      since: "1970-01-01T00:00:01.000Z",
    });
  });

  test("nodes passes the reference on as it was asked for, and is verbose only when told so", async () => {
    const asked: [string, boolean][] = [];
    const app = createAdminApp(
      view({
        async nodes(service, { verbose }) {
          asked.push([service, verbose]);
          return { service, nodes: [] };
        },
      }),
      adminOptions(),
    );
    const path = "/v1/discovery/kubernetes/nodes";
    for (const query of [
      "?service=a/b:c",
      "?service=a%2Fb%3Ac&verbose=1",
      "?service=x&verbose=0",
      "?service=x&verbose",
    ])
      assertEquals((await app.request(path + query)).status, 200);
    assertEquals(asked, [
      ["a/b:c", false],
      ["a/b:c", true],
      ["x", false],
      ["x", true],
    ]);
    for (const query of ["", "?service="]) {
      const response = await app.request(path + query);
      assertEquals([response.status, (await response.json()).code], [400, "bad_request"]);
    }
  });

  test("changes nothing: other methods find nothing", async () => {
    const app = createAdminApp(view(), adminOptions());
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      for (const path of [...PATHS, "/readyz"]) assertEquals((await app.request(path, { method })).status, 404);
    }
  });

  test("an error nobody foresaw goes to the log and not to the client", async () => {
    const reported: unknown[] = [];
    const app = createAdminApp(
      view({
        dump() {
          throw new Error("token abc at 10.0.0.1");
        },
        report: (error) => void reported.push(error),
      }),
      adminOptions(),
    );
    const response = await app.request(PATHS[0]!);
    const text = await response.text();
    assertEquals([response.status, reported.length], [500, 1]);
    assertStringIncludes(text, "urn:podway:problem:internal");
    assert(!text.includes("abc") && !text.includes("10.0.0.1"));
  });
});
