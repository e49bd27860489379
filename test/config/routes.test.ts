import { describe, test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { config, errors, load, route, warnings } from "./support.ts";

describe("a route's defaults", () => {
  test("a service is enough", () => {
    assertEquals(route("service: shop/cart:http"), {
      id: "0",
      priority: 0,
      path: { prefix: "/" },
      service: "shop/cart:http",
      timeouts: { connect: 2000, try: 0, response: 60_000, idle: 0 },
      retries: { attempts: 2, on: ["connect", "reset"] },
      keepalive: { requests: 1000, age: 300_000 },
      health: { passive: { failures: 2, eject: 10_000 }, active: false },
      middleware: [],
      balancer: "round_robin",
      pass_host: "pass",
    });
  });

  test("the scheme stays open where the route does not set it, since it chooses the port by name", () => {
    assertEquals(route("service: a/b").scheme, undefined);
    assertEquals(route("{service: a/b, scheme: http}").scheme, "http");
  });

  test("ids are the index where none is given, numbers become texts", () => {
    const { routes } = config("routes:\n  - {service: a}\n  - {id: 7, service: b}\n  - {id: x, service: c}\n");
    assertEquals(
      routes.map(({ id }) => id),
      ["0", "7", "x"],
    );
  });
});

describe("every key of a route is taken over", () => {
  const keys: [yaml: string, key: string, value: unknown][] = [
    ["priority: -3", "priority", -3],
    ['hosts: [SD.httpbin.org, "*.Example.org"]', "hosts", ["sd.httpbin.org", "*.example.org"]],
    ["hosts: [10.0.0.1, '::1', '[fd00::1]', my_app]", "hosts", ["10.0.0.1", "[::1]", "[fd00::1]", "my_app"]],
    ["path: /v1/anything", "path", { prefix: "/v1/anything" }],
    ["path: {exact: /x}", "path", { exact: "/x" }],
    ["path: {prefix: /x}", "path", { prefix: "/x" }],
    ['path: {regex: "^/x[0-9]+$"}', "path", { regex: "^/x[0-9]+$" }],
    ["methods: [get, POST]", "methods", ["GET", "POST"]],
    [
      "headers: {X-Env: canary, x-re: {regex: '^a'}, x-any: {present: true}}",
      "headers",
      { "x-env": "canary", "x-re": { regex: "^a" }, "x-any": { present: true } },
    ],
    ['query: {version: "2", Debug: {present: false}}', "query", { version: "2", Debug: { present: false } }],
    ["strip_prefix: /v1", "strip_prefix", "/v1"],
    ["rewrite_path: {replace_prefix: /y}", "rewrite_path", { replace_prefix: "/y" }],
    ["rewrite_path: {replace: /z}", "rewrite_path", { replace: "/z" }],
    ['rewrite_path: {regex: "^/a/(.*)", to: "/b/$1"}', "rewrite_path", { regex: "^/a/(.*)", to: "/b/$1" }],
    ["namespace: team-a", "namespace", "team-a"],
    ["port_name: metrics", "port_name", "metrics"],
    ["scheme: https", "scheme", "https"],
    ["upstream_tls: {ca_file: /ca}", "upstream_tls", { verify: true, ca_file: "/ca" }],
    [
      "upstream_tls: {verify: false, server_name: x, cert_file: c, key_file: k}",
      "upstream_tls",
      { verify: false, server_name: "x", cert_file: "c", key_file: "k" },
    ],
    ["pass_host: node", "pass_host", "node"],
    ["balancer: least_requests", "balancer", "least_requests"],
    ["balancer: random", "balancer", "random"],
    ["balancer: {consistent_hash: {header: X-User}}", "balancer", { consistent_hash: { header: "x-user" } }],
    ["balancer: {consistent_hash: {cookie: sid}}", "balancer", { consistent_hash: { cookie: "sid" } }],
    ["balancer: {consistent_hash: {query: q}}", "balancer", { consistent_hash: { query: "q" } }],
    ["balancer: {consistent_hash: client_ip}", "balancer", { consistent_hash: { client_ip: true } }],
    ["balancer: {consistent_hash: {client_ip: true}}", "balancer", { consistent_hash: { client_ip: true } }],
    ["balancer: {sticky_cookie: {name: route}}", "balancer", { sticky_cookie: { name: "route" } }],
    ["timeouts: {response: 0}", "timeouts", { connect: 2000, try: 0, response: 0, idle: 0 }],
    ["timeouts: {try: 500}", "timeouts", { connect: 2000, try: 500, response: 60_000, idle: 0 }],
    ["retries: {attempts: all, on: [timeout, 500]}", "retries", { attempts: "all", on: ["timeout", 500] }],
    ["keepalive: {requests: 0, idle: 1}", "keepalive", { requests: 0, age: 300_000, idle: 1 }],
    ["retries: {attempts: 3, on: [connect, 502]}", "retries", { attempts: 3, on: ["connect", 502] }],
    ["health: {passive: false}", "health", { passive: false, active: false }],
    [
      "health: {passive: {failures: 5}, active: {path: /healthz, statuses: [200]}}",
      "health",
      {
        passive: { failures: 5, eject: 10_000 },
        active: { path: "/healthz", interval: 5000, timeout: 2000, healthy: 1, unhealthy: 2, statuses: [200] },
      },
    ],
    [
      "request_headers: {set: {X-A: b}, remove: [X-C]}",
      "request_headers",
      { set: { "x-a": "b" }, add: {}, remove: ["x-c"] },
    ],
    ["response_headers: {add: {X-A: ''}}", "response_headers", { set: {}, add: { "x-a": "" }, remove: [] }],
  ];
  for (const [yaml, key, value] of keys) {
    test(yaml, () => {
      assertEquals(route(`service: a/b\n    ${yaml}`)[key as "id"], value as string);
    });
  }

  test.each([
    ["app.example:65535", true],
    ["app.example:65536", false],
    ["[fd00::1]:80", true],
    ["app.example:", false],
  ])("upstream_host %s is a host with an optional port: %p", (host, valid) => {
    const text = `routes: [{ service: a/b, pass_host: rewrite, upstream_host: "${host}" }]`;
    assertEquals(errors(text).length === 0, valid, errors(text).join());
  });

  test("pass_host: rewrite with upstream_host", () => {
    const made = route("{service: a/b, pass_host: rewrite, upstream_host: 'app.example:8443'}");
    assertEquals([made.pass_host, made.upstream_host], ["rewrite", "app.example:8443"]);
  });

  test("services with weights, 1 where none is given, and priorities, 0 where none is given", () => {
    assertEquals(route("services: [{service: a/b, weight: 0}, {service: a/c, priority: -3}]").services, [
      { service: "a/b", weight: 0, priority: 0 },
      { service: "a/c", weight: 1, priority: -3 },
    ]);
  });

  test("static nodes with weights, 50 where none is given, IPv6 without brackets", () => {
    const text = "nodes: [{host: '[::1]', port: '80'}, {host: db.example, port: 81, weight: 0, priority: 7}]";
    assertEquals(route(text).nodes, [
      { host: "::1", port: 80, weight: 50, priority: 0 },
      { host: "db.example", port: 81, weight: 0, priority: 7 },
    ]);
  });

  test("redirects", () => {
    const text = "redirect: {scheme: https, host: x.example, port: 8443, path: {replace_prefix: /y}}";
    assertEquals(route(text).redirect, {
      status: 302,
      scheme: "https",
      host: "x.example",
      port: 8443,
      path: { replace_prefix: "/y" },
    });
    assertEquals(route("redirect: {status: 308, path: '/z?a=1'}").redirect, { status: 308, path: "/z?a=1" });
    assertEquals(route("redirect: {path: {replace: /z}}").redirect?.path, { replace: "/z" });
  });

  test("every form of a service reference", () => {
    for (const service of ["name", "name:8080", "ns/name", "ns/name:http", "ns/name:80"]) {
      assertEquals(route(`service: '${service}'`).service, service);
    }
    const multi = "discovery:\n  kubernetes: [{id: a, service: {host: h, port: 1}, client: {token: t}}]\nroutes:\n";
    for (const made of ["{service: 'a/ns/name:80'}", "{service: a/ns/name}", "{service: 'x:1', cluster: a}"]) {
      assertEquals(errors(`${multi}  - ${made}\n`), []);
    }
  });

  test("upstream_tls without verification is warned of", () => {
    assertEquals(warnings("routes:\n  - nodes: [{host: a, port: 1}]\n    upstream_tls: {verify: false}\n"), [
      "3:20: routes[0].upstream_tls.verify is false: the upstream's certificate is not checked",
    ]);
  });
});

describe("defaults are merged into every route, key by key, the route winning", () => {
  test("timeouts, retries and keepalive", () => {
    const made = route(
      "{service: a/b, timeouts: {connect: 1}, retries: {on: [connect]}, keepalive: {age: 1}}",
      "{timeouts: {connect: 9, idle: 8}, retries: {attempts: 4}, keepalive: {age: 2, idle: 3}}",
    );
    assertEquals(made.timeouts, { connect: 1, try: 0, response: 60_000, idle: 8 });
    assertEquals(made.retries, { attempts: 4, on: ["connect"] });
    assertEquals(made.keepalive, { requests: 1000, age: 1, idle: 3 });
  });

  test("health: a part is changed, switched off and switched on again", () => {
    const defaults = "{health: {passive: {failures: 7, eject: 1}, active: {path: /up, interval: 200}}}";
    assertEquals(route("{service: a/b, health: {passive: {failures: 3}}}", defaults).health, {
      passive: { failures: 3, eject: 1 },
      active: { path: "/up", interval: 200, timeout: 2000, healthy: 1, unhealthy: 2 },
    });
    assertEquals(route("{service: a/b, health: {passive: false, active: false}}", defaults).health, {
      passive: false,
      active: false,
    });
    assertEquals(route("{service: a/b, health: {passive: {}}}", "{health: {passive: false}}").health.passive, {
      failures: 2,
      eject: 10_000,
    });
  });

  test("balancer and upstream_tls", () => {
    const made = route(
      "{service: a/b, upstream_tls: {server_name: x}}",
      "{balancer: random, upstream_tls: {ca_file: /ca, verify: false}}",
    );
    assertEquals(made.balancer, "random");
    assertEquals(made.upstream_tls, { verify: false, ca_file: "/ca", server_name: "x" });
  });

  test("pass_host: a route that passes the host drops the default rewrite with its host", () => {
    const defaults = "{pass_host: rewrite, upstream_host: x.example}";
    assertEquals(route("{service: a/b}", defaults).upstream_host, "x.example");
    assertEquals(route("{service: a/b, upstream_host: y.example}", defaults).upstream_host, "y.example");
    assertEquals(route("{service: a/b, pass_host: pass}", defaults).upstream_host, undefined);
  });

  test("header changes: a header the route speaks of is the route's alone", () => {
    const made = route(
      "{service: a/b, request_headers: {set: {x-b: route}, remove: [x-c]}}",
      "{request_headers: {set: {X-A: d, X-B: d}, add: {x-c: d, x-d: d}, remove: [x-e]}}",
    );
    assertEquals(made.request_headers, {
      set: { "x-a": "d", "x-b": "route" },
      add: { "x-d": "d" },
      remove: ["x-e", "x-c"],
    });
  });

  test("header changes: false takes away what defaults say of a header", () => {
    const made = route(
      "{service: a/b, response_headers: {set: {x-b: false}, add: {x-c: false, x-e: false}}}",
      "{response_headers: {set: {x-a: d, x-b: d}, add: {x-c: [d, d], x-d: [d, e]}, remove: [x-e]}}",
    );
    assertEquals(made.response_headers, { set: { "x-a": "d" }, add: { "x-d": ["d", "e"] }, remove: [] });
  });

  test("a fault that only the two together make is told", () => {
    const text =
      "defaults: {pass_host: rewrite, upstream_host: x}\nroutes:\n  - {service: a, pass_host: node, upstream_host: y}\n";
    assertEquals(errors(text), ["3:35: routes[0].upstream_host needs pass_host: rewrite"]);
  });
});

test("anchors keep ten thousand routes short and are not mistaken for a bomb", () => {
  const routes = Array.from({ length: 10_000 }, (_, i) => `  - {<<: *shared, id: r${i}, service: a/s${i}}`);
  const text = `defaults: &shared\n  timeouts: {connect: 7}\nroutes:\n${routes.join("\n")}\n`;
  const result = load(text);
  assertEquals(result.ok && result.config.routes.length, 10_000);
  assertEquals(result.ok && result.config.routes[9999]?.timeouts.connect, 7);
});

test("what goes into a header is a text that a header can hold", () => {
  const beyond = "日本";
  const nodes = "nodes: [{host: a, port: 80}]";
  for (const [place, rest] of [
    ["request_headers.set.x-a", `request_headers: {set: {x-a: ${beyond}}}`],
    ["response_headers.add.x-a[0]", `response_headers: {add: {x-a: [${beyond}]}}`],
    ["redirect.location", `redirect: {location: /${beyond}}`],
    ["middleware[0].set_headers.x-a", `middleware: [{set_headers: {x-a: "${beyond}{host}"}}]`],
    ["middleware[0].secure_headers.x_frame_options", `middleware: [{secure_headers: {x_frame_options: ${beyond}}}]`],
    [
      "middleware[0].replace_headers.request.x-a.with",
      `middleware: [{replace_headers: {request: {x-a: {find: a, with: ${beyond}}}}}]`,
    ],
    ["middleware[0].basic_auth.realm", `middleware: [{basic_auth: {username: u, password: p, realm: ${beyond}}}]`],
  ] as const) {
    const target = place.startsWith("redirect") ? "" : `${nodes}, `;
    const found = errors(`routes: [{path: /, ${target}${rest}}]`);
    assertEquals(found.length, 1, place);
    assertStringIncludes(found[0]!, `routes[0].${place} must be`);
  }
  assertEquals(errors(`routes: [{path: /, ${nodes}, request_headers: {set: {x-a: "é"}}}]`), []);
});
