import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { RouteConfig } from "../../src/config/schema/route.ts";
import { compileHeaderChanges } from "../../src/routing/header-changes.ts";
import { compileRedirect } from "../../src/routing/redirect.ts";
import { compileRewrite } from "../../src/routing/rewrite.ts";
import { compileRoutes } from "../../src/routing/table.ts";
import table from "../fixtures/cases/gateway-api-http-cases.json";
import { type Gateway, type HttpRoute, toRoutes } from "../helpers/http-routes.ts";
import { requestFacts, routeConfig } from "../helpers/routes.ts";

interface Case {
  line: number;
  request: { method: string; path: string; host?: string; headers?: Record<string, string> };
  backend_sets_response_headers?: Record<string, string>;
  expect: {
    status: number[];
    backend?: { pod_prefix: string };
    redirect_location?: { scheme?: string; host?: string; port?: string; path?: string };
    upstream_request?: { path?: string; headers?: Record<string, string>; headers_absent?: string[] };
    response_headers?: Record<string, string>;
    response_headers_absent?: string[];
  };
}

/** What we do not have, on purpose. */
const WITHOUT: Record<string, string> = {
  HTTPRouteListenerPortMatching: "listeners of a gateway",
  HTTPRouteInvalidReferenceGrant: "ReferenceGrants",
  HTTPRoutePartiallyInvalidViaInvalidReferenceGrant: "ReferenceGrants",
  HTTPRouteReferenceGrant: "ReferenceGrants",
};

/** Which gateway each case of a test with several of them is sent to: the table does not say, its source does. */
const SENT_TO: Record<string, (index: number) => number> = {
  HTTPRouteMultipleGateways: (index) => (index < 2 ? 1 : 0),
  HTTPRouteHostnameIntersection: (index) => (index < 27 ? 0 : 1),
  HTTPRouteRedirectPortAndScheme: (index) => (index < 6 ? 0 : index < 9 ? 1 : 2),
};

const joined = (value: string | null): string | undefined => value?.replaceAll(", ", ",");

const assertHeaders = (headers: Headers, wanted: Record<string, string> = {}, absent: string[] = []): void => {
  for (const [name, value] of Object.entries(wanted)) assertEquals(joined(headers.get(name)), value, name);
  for (const name of absent) assert(!headers.has(name), `${name} is still there`);
};

const changed = (given: Record<string, string> | undefined, changes: RouteConfig["request_headers"]): Headers => {
  const headers = new Headers(given);
  compileHeaderChanges(changes)?.(headers);
  return headers;
};

const assertRedirect = (rule: RouteConfig, { request, expect }: Case, gateway: Gateway): void => {
  const { port, protocol } = gateway.listeners[0]!;
  const facts = requestFacts({
    method: request.method,
    scheme: protocol === "HTTPS" ? "https" : "http",
    authority: request.host ?? `gateway.test:${port}`,
    target: request.path,
  });
  const response = compileRedirect({ ...rule, redirect: rule.redirect! })(facts)!;
  const location = new URL(response.headers.get("location")!);
  const wanted = expect.redirect_location!;
  assertEquals(response.status, expect.status[0]);
  assertEquals(location.port, wanted.port ?? "");
  if (wanted.scheme) assertEquals(location.protocol, `${wanted.scheme}:`);
  assertEquals(location.hostname, wanted.host ?? "gateway.test");
  assertEquals(location.pathname, wanted.path ?? request.path);
};

const check = (routes: HttpRoute[], gateway: Gateway, one: Case): void => {
  const { request, expect } = one;
  const compiled = compileRoutes(toRoutes(routes, gateway).map((route) => ({ rule: routeConfig(route) })));
  const facts = requestFacts({
    method: request.method,
    authority: request.host,
    target: request.path,
    headers: request.headers,
  });
  const rule = compiled.match(facts)?.rule;
  assertEquals(rule === undefined, expect.status[0] === 404, `status ${expect.status[0]}, route ${rule?.id}`);
  assertEquals(
    compiled.explain(facts).find((route) => route.matched)?.id,
    rule?.id,
    "the explanation names another route",
  );
  if (rule === undefined) return;
  if (expect.redirect_location) {
    assertRedirect(rule, one, gateway);
    return;
  }
  if (expect.backend) {
    assertEquals(
      rule.services?.map(({ service }) => service),
      [expect.backend.pod_prefix],
    );
  }
  const path = expect.upstream_request?.path;
  if (path !== undefined) assertEquals(compileRewrite(rule)(facts.path, facts) + facts.search, path);
  const { headers, headers_absent } = expect.upstream_request ?? {};
  assertHeaders(changed(request.headers, rule.request_headers), headers, headers_absent);
  assertHeaders(
    changed(one.backend_sets_response_headers, rule.response_headers),
    expect.response_headers,
    expect.response_headers_absent,
  );
};

describe("routes do what the Gateway API's conformance cases ask of HTTPRoutes", () => {
  for (const { test: name, gateways, routes, cases } of table.tests) {
    if (name in WITHOUT) {
      test.skip(`${name}: we have no ${WITHOUT[name]}`, () => {});
      continue;
    }
    for (const [index, one] of (cases as Case[]).entries()) {
      const { method, host = "", path } = one.request;
      test(`${name} line ${one.line}: ${method} ${host}${path}`, () => {
        const gateway = gateways[SENT_TO[name]?.(index) ?? 0] as Gateway;
        check(routes as HttpRoute[], gateway, one);
      });
    }
  }

  test("a weighted split keeps every service and its weight", () => {
    const { routes, gateways } = table.tests.find(({ test: name }) => name === "HTTPRouteWeight")!;
    const [route] = toRoutes(routes as HttpRoute[], gateways[0] as Gateway).map(routeConfig);
    assertEquals(
      route?.services?.map(({ service, weight }) => [service, weight]),
      [
        ["infra-backend-v1", 70],
        ["infra-backend-v2", 30],
        ["infra-backend-v3", 0],
      ],
    );
  });
});
