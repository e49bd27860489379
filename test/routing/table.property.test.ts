import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { RouteConfig } from "../../src/config/schema/route.ts";
import type { IncomingRequest } from "../../src/http/request.ts";
import { compileRoutes } from "../../src/routing/table.ts";
import { type RouteInput, requestFacts, routeConfig } from "../helpers/routes.ts";

/** Decodes as many escapes as stand for characters, one after the other, and leaves an encoded slash. */
const decode = (path: string): string => {
  let text = "";
  for (let at = 0; at < path.length; ) {
    const rest = path.slice(at);
    const slash = /^%(25)?2f/i.exec(rest)?.[0];
    const escapes = slash === undefined ? [/^(%..){4}/, /^(%..){3}/, /^(%..){2}/, /^%../] : [];
    const [taken, read] = escapes
      .map((size) => size.exec(rest)?.[0])
      .filter((some) => some !== undefined)
      .map((some) => [some, tryDecode(some)] as const)
      .find(([, one]) => one !== undefined && [...one].length === 1) ?? [slash ?? rest[0]!, undefined];
    text += read ?? (slash === undefined ? taken : taken.toUpperCase());
    at += taken.length;
  }
  return text;
};

const tryDecode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

const plainHost = (host: string): string => host.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");

/** How specific the rule's host is for this one; -1 where it does not fit. */
const hostScore = (rule: string, asked: string): number => {
  const wanted = plainHost(rule);
  if (wanted === "*") return 0;
  if (!wanted.startsWith("*.")) return wanted === asked ? 1_000 : -1;
  const labels = wanted.slice(1).length;
  return asked.length > labels && asked.slice(-labels) === wanted.slice(1) ? labels : -1;
};

const pathScore = (rule: RouteConfig["path"], asked: string): number => {
  if ("regex" in rule) return new RegExp(rule.regex).test(asked) ? 0 : -1;
  if ("exact" in rule) return decode(rule.exact) === asked ? 10_000 : -1;
  if ("starts_with" in rule)
    return asked.indexOf(decode(rule.starts_with)) === 0 ? 1 + decode(rule.starts_with).length : -1;
  if ("template" in rule) throw new Error("templates have their own tests");
  const wanted = decode(rule.prefix).split("/");
  while (wanted.at(-1) === "") wanted.pop();
  const segments = asked.split("/");
  return wanted.every((segment, i) => segments[i] === segment) ? 1 + wanted.join("/").length : -1;
};

const fits = (rule: NonNullable<RouteConfig["headers"]>[string], value: string | null): boolean => {
  if (typeof rule === "string") return value === rule;
  if ("not" in rule) return !fits(rule.not, value);
  if ("in" in rule) return rule.in.some((one) => one === value);
  return "present" in rule ? rule.present === (value !== null) : value !== null && new RegExp(rule.regex).test(value);
};

/** What the table has to agree with: every route against the request, then the best by comparing scores. */
const naive = (routes: readonly RouteConfig[], facts: IncomingRequest): string | undefined => {
  const query = new URLSearchParams(facts.search);
  const sent = new Map(
    (facts.headers.get("cookie") ?? "").split("; ").map((one) => one.split("=") as [string, string]),
  );
  const scored = routes.flatMap((rule, index) => {
    const host = Math.max(...(rule.hosts ?? ["*"]).map((one) => hostScore(one, plainHost(facts.host))));
    const path = pathScore(rule.path, decode(facts.path));
    const headers = Object.entries(rule.headers ?? {});
    const parameters = Object.entries(rule.query ?? {});
    const cookies = Object.entries(rule.cookies ?? {});
    const takes =
      host >= 0 &&
      path >= 0 &&
      (rule.methods?.includes(facts.method) ?? true) &&
      headers.every(([name, match]) => fits(match, facts.headers.get(name))) &&
      cookies.every(([name, match]) => fits(match, sent.get(name) ?? null)) &&
      parameters.every(([name, match]) => fits(match, query.get(name)));
    const score = [
      rule.priority,
      host,
      path,
      rule.methods ? 1 : 0,
      headers.length + cookies.length,
      parameters.length,
      -index,
    ];
    return takes ? [{ id: rule.id, score }] : [];
  });
  scored.sort((a, b) => {
    const at = a.score.findIndex((one, i) => one !== b.score[i]);
    return b.score[at]! - a.score[at]!;
  });
  return scored[0]?.id;
};

const SEGMENTS = [
  ..."v1 V1 v1x a a%2Fb a%2fb a%252Fb %761 %76%31 :id %3Aid * %2A a* {x} %7Bx%7D ~ ~3a %E9 %zz % %C3%A9 %41%E9 A%E9".split(
    " ",
  ),
  ..."a@0 {a}@0 . .. %2e a;b a+b __proto__ constructor é %F0%9F%98%80".split(" "),
  "",
];
const configured = fc
  .array(fc.constantFrom(...SEGMENTS, "a b"), { maxLength: 3 })
  .map((segments) => `/${segments.join("/")}`);
const asked = fc
  .array(fc.constantFrom(...SEGMENTS, "x%3F", "a%20b"), { maxLength: 4 })
  .map((segments) => `/${segments.join("/")}`);

const REGEXES = [
  ..."v1 x$ ^/v1/[a-z]+$ ^/a/ ^/v1|a$ ^/v1/a|x$ ^/a/(v1|x) ^/v1/?$ ^/v1/*$ ^\\/v1\\/a ^/:id/ ^/\\{x\\}/ ^/v1/a{1} ^/a%2Fb/ ^/(v1|a)/ ^[^/]".split(
    " ",
  ),
  ..."^/v1/\\*+ (?=/a) ^/~/a ^/a\\* \\^ ^/v1/a\\/? / ^/+v1".split(" "),
];
const path: fc.Arbitrary<NonNullable<RouteInput["path"]>> = fc.oneof(
  configured.filter((prefix) => !prefix.endsWith("/*")),
  configured.map((exact) => ({ exact })),
  configured.map((starts_with) => ({ starts_with })),
  fc.constantFrom(...REGEXES).map((regex) => ({ regex })),
);
const value = fc.constantFrom("1", "2", "3", "a b", "");
type MatchInput = NonNullable<RouteInput["headers"]>[string];
const match: fc.Arbitrary<MatchInput> = fc.oneof<fc.MaybeWeightedArbitrary<MatchInput>[]>(
  { weight: 4, arbitrary: value },
  { weight: 1, arbitrary: fc.constantFrom({ regex: "^[12]$" }, { present: true }, { present: false }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { in: ["1", "3"] },
      { not: "1" },
      { not: { in: ["1", "2"] } },
      { not: { regex: "^[12]$" } },
    ),
  },
);
const HOSTS = ["a.com", "A.com", "b.a.com", "*.a.com", "*.b.a.com", "*.com", "::1"];
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 2 });
const route: fc.Arbitrary<RouteInput> = fc.record({
  priority: fc.constantFrom(0, 0, 0, 1, -1),
  hosts: maybe(fc.uniqueArray(fc.constantFrom(...HOSTS), { minLength: 1, maxLength: 3 })),
  path,
  methods: maybe(fc.uniqueArray(fc.constantFrom("GET", "HEAD", "POST"), { minLength: 1 })),
  headers: maybe(fc.dictionary(fc.constantFrom("x-a", "X-A", "x-b"), match, { maxKeys: 2 })),
  cookies: maybe(fc.dictionary(fc.constantFrom("x-a", "c"), match, { maxKeys: 2 })),
  query: maybe(fc.dictionary(fc.constantFrom("q", "Q", "a b"), match, { maxKeys: 2 })),
});
const request = fc
  .record({
    method: fc.constantFrom("GET", "HEAD", "POST", "get"),
    authority: fc.constantFrom(
      "a.com",
      "A.COM:80",
      "b.a.com",
      "c.b.a.com",
      ".a.com",
      "com",
      "",
      "a.com.",
      "xa.com",
      "x.com",
      "[::1]",
    ),
    path: asked,
    search: fc.constantFrom("", "?", "?q=1", "?q=2&q=1", "?Q=1&q=3", "?a+b=a%20b", "?q", "?a%20b=1&q=a+b"),
    headers: fc.array(fc.tuple(fc.constantFrom("x-a", "x-b"), value), { maxLength: 3 }),
    cookie: fc.constantFrom(undefined, "c=1", "c=2; x-a=3", "x-a=", "cc=1; c=3", "x-a=1; c=1"),
  })
  .map(({ path: at, search, headers, cookie, ...rest }) => {
    const sent: [string, string][] = cookie === undefined ? headers : [...headers, ["cookie", cookie]];
    return requestFacts({ ...rest, headers: sent, target: at + search });
  });

/** Each path has one reading here: what several make of a table has tests of its own. */
const withIds = (routes: readonly RouteInput[]): RouteConfig[] =>
  routes.map((input, index) => routeConfig({ ...input, id: String(index), paths: "keep" }));

const agree = (routes: RouteConfig[], requests: IncomingRequest[]): void => {
  const table = compileRoutes(routes.map((rule) => ({ rule })));
  for (const facts of requests) {
    const wanted = naive(routes, facts);
    const message = `${facts.method} ${facts.host} ${facts.path}${facts.search}`;
    assertEquals(table.match(facts)?.rule.id, wanted, message);
    const explained = table.explain(facts);
    assertEquals(explained.find(({ matched }) => matched)?.id, wanted, `explained: ${message}`);
    assertEquals(explained.map(({ id }) => id).sort(), routes.map(({ id }) => id).sort());
  }
};

test("the compiled table takes the route that comparing every route would take", () => {
  let taken = 0;
  fc.assert(
    fc.property(
      fc.array(route, { maxLength: 12 }),
      fc.array(request, { minLength: 8, maxLength: 8 }),
      (some, requests) => {
        const routes = withIds(some);
        agree(routes, requests);
        taken += requests.filter((facts) => naive(routes, facts) !== undefined).length;
      },
    ),
    { numRuns: 2_000 },
  );
  assert(taken > 1_000, `only ${taken} requests found a route: the generators have drifted apart`);
});

test("many routes of one path that differ in headers and parameters are told apart as if compared one by one", () => {
  const alike = route.map((input): RouteInput => ({ ...input, path: "/v1", hosts: undefined }));
  const under = request.map((facts): IncomingRequest => ({ ...facts, path: "/v1/x" }));
  fc.assert(
    fc.property(
      fc.array(alike, { minLength: 20, maxLength: 60 }),
      fc.array(under, { minLength: 8, maxLength: 8 }),
      (some, requests) => agree(withIds(some), requests),
    ),
    { numRuns: 300 },
  );
});

test("a path is not mistaken for another that begins alike, however often either was asked for", () => {
  const shallow = fc.array(fc.constantFrom("a", "b", "*", ""), { maxLength: 2 }).map((some) => `/${some.join("/")}`);
  const deep = fc.array(fc.constantFrom("a", "b", "%61", ""), { maxLength: 5 }).map((some) => `/${some.join("/")}`);
  const rule = fc.oneof(
    shallow.filter((prefix) => !prefix.endsWith("/*")),
    shallow.map((exact) => ({ exact })),
    shallow.map((starts_with) => ({ starts_with })),
    fc.constantFrom("^/a/b$", "^/a/[ab]/a", "b$").map((regex) => ({ regex })),
  );
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 6 }),
      fc.array(deep, { minLength: 2, maxLength: 40 }),
      (rules, paths) => {
        const requests = [...paths, ...paths.toReversed()].map((target) => requestFacts({ target }));
        agree(withIds(rules.map((one) => ({ path: one }))), requests);
      },
    ),
    { numRuns: 400 },
  );
});
