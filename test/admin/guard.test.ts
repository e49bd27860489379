import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { createAdminApp } from "../../src/admin/app.ts";
import { adminOptions, view } from "./support.ts";

const TOKEN = "s3cret-of-the-admin";
const open = createAdminApp(view(), adminOptions());
const guarded = createAdminApp(view(), adminOptions(TOKEN));
const basic = (name: string, password: string): string => `Basic ${btoa(`${name}:${password}`)}`;

const statusOf = async (app: typeof open, path: string, headers: Record<string, string> = {}): Promise<number> =>
  (await app.request(`http://127.0.0.1${path}`, { headers })).status;

describe("every answer of the admin API", () => {
  test("has the headers that keep it from other sites, caches and frames, whatever it is", async () => {
    const answers = [
      await open.request("/healthz"),
      await open.request("/v1/routes"),
      await open.request("/nowhere"),
      await open.request("/v1/routes", { headers: { host: "evil.test" } }),
      await guarded.request("/v1/routes"),
      await guarded.request("/"),
    ];
    assertEquals(
      answers.map(({ status }) => status),
      [200, 200, 404, 403, 401, 401],
    );
    for (const { headers } of answers) {
      assertEquals(headers.get("cache-control"), "no-store");
      assertEquals(headers.get("x-content-type-options"), "nosniff");
      assertEquals(headers.get("referrer-policy"), "no-referrer");
      assertEquals(headers.get("x-frame-options"), "DENY");
      assertEquals(headers.get("cross-origin-resource-policy"), "same-origin");
      assertEquals(headers.get("access-control-allow-origin"), null);
      const policy = headers.get("content-security-policy") ?? "";
      for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) {
        assert(policy.split("; ").includes(part), `${part} in ${policy}`);
      }
      assert(!policy.includes("unsafe"), policy);
    }
  });
});

describe("the token", () => {
  test("is taken as Bearer everywhere, and as a password of Basic for the console alone", async () => {
    const bearer = { authorization: `Bearer ${TOKEN}` };
    const password = { authorization: basic("whoever", TOKEN) };
    for (const path of ["/v1/routes", "/metrics", "/nowhere"]) {
      assertEquals([path, await statusOf(guarded, path, password)], [path, 401]);
      assert((await statusOf(guarded, path, bearer)) !== 401, path);
    }
    for (const path of ["/", "/console/events", "/console/page.css"]) {
      assertEquals([path, await statusOf(guarded, path)], [path, 401]);
      assert((await statusOf(guarded, path, password)) !== 401, path);
      assert((await statusOf(guarded, path, bearer)) !== 401, path);
    }
  });

  test("is refused in any other form, and the answer tells nothing of it", async () => {
    const wrong = [
      "",
      "Bearer",
      "Bearer ",
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Bearer ${TOKEN.toUpperCase()}`,
      TOKEN,
      `Basic ${TOKEN}`,
      "Basic ***",
      basic(TOKEN, ""),
      basic("", `${TOKEN} `),
      basic("", TOKEN.slice(1)),
      `Digest ${TOKEN}`,
    ];
    const answers = new Set<string>();
    for (const authorization of wrong) {
      const response = await guarded.request("/", { headers: { authorization } });
      assertEquals([authorization, response.status], [authorization, 401]);
      answers.add(JSON.stringify([...response.headers]) + (await response.text()));
    }
    assertEquals(answers.size, 1, "every refusal is the same");
    assert(![...answers][0]!.includes(TOKEN));
  });

  test("is asked for in the way the client can give it", async () => {
    const asked = async (path: string) => (await guarded.request(path)).headers.get("www-authenticate");
    assertEquals(await asked("/"), 'Basic realm="podway", charset="UTF-8"');
    assertEquals(await asked("/v1/routes"), 'Bearer realm="podway"');
  });

  test("may have characters beyond ASCII", async () => {
    const app = createAdminApp(view(), adminOptions("schlüssel"));
    const authorization = `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode("me:schlüssel")))}`;
    assert((await statusOf(app, "/", { authorization })) !== 401);
  });
});

describe("without a token", () => {
  const names: [host: string, status: number][] = [
    ["127.0.0.1:9090", 200],
    ["127.0.0.1", 200],
    ["10.1.2.3:9090", 200],
    ["[::1]:9090", 200],
    ["localhost:9090", 200],
    ["LOCALHOST", 200],
    ["podway.localhost:9090", 200],
    ["evil.test", 403],
    ["evil.test:9090", 403],
    ["127.0.0.1.evil.test", 403],
    ["localhost.evil.test", 403],
    ["notlocalhost", 403],
    ["1.2.3.4.5", 403],
    ["localhost:9090:1", 403],
    ["", 403],
  ];
  for (const [host, status] of names) {
    test(`a request to ${host === "" ? "an empty name" : host} is answered ${status}: DNS can make any name this machine's`, async () => {
      assertEquals(await statusOf(open, "/v1/routes", { host }), status);
      assertEquals(await statusOf(open, "/healthz", { host }), 200);
    });
  }

  test("nothing can be changed, whatever the method", async () => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      for (const path of ["/", "/console/events", "/v1/routes", "/healthz"]) {
        const response = await open.request(path, { method, headers: { origin: "http://evil.test" } });
        assertEquals([method, path, response.status], [method, path, 404]);
        assertEquals(response.headers.get("access-control-allow-origin"), null);
      }
    }
  });
});
