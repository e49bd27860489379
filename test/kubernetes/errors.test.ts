import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type ApiErrorCode,
  describeNetworkFailure,
  explainForbidden,
  InvalidObjectError,
  parseRetryAfter,
  statusError,
  toApiError,
} from "../../src/kubernetes/errors.ts";
import { slices } from "../helpers/scripted-apiserver.ts";

const context = { verb: "list", collection: slices } as const;

describe("an error of the apiserver", () => {
  test("every error names the apiserver, and one of TLS whether a CA was given", () => {
    const context = { verb: "list", collection: slices, server: "https://10.0.0.1:6443" } as const;
    const untrusted = Object.assign(new Error("x"), { code: "SELF_SIGNED_CERT_IN_CHAIN" });
    const errors = [
      toApiError(new TypeError("ECONNREFUSED"), context),
      toApiError(new InvalidObjectError("no metadata"), context),
      statusError(403, { message: "no" }, context),
      toApiError(untrusted, context),
    ];
    for (const { message } of errors) assertStringIncludes(message, " at https://10.0.0.1:6443: ");
    assertStringIncludes(errors[3]!.message, "certificate not signed by the given CA");
    assertStringIncludes(toApiError(untrusted, { ...context, givesCa: false }).message, "no CA is given");
  });

  test("has the code of what a caller can do about it", () => {
    const cases: [number | undefined, object | undefined, ApiErrorCode][] = [
      [401, undefined, "unauthorized"],
      [403, undefined, "forbidden"],
      [404, undefined, "not_found"],
      [410, undefined, "gone"],
      [undefined, { code: 410 }, "gone"],
      [undefined, { reason: "Expired" }, "gone"],
      [429, undefined, "throttled"],
      [400, { message: "unable to parse" }, "rejected"],
      [422, undefined, "rejected"],
      [500, undefined, "server"],
      [503, undefined, "server"],
      [504, { message: "Too large resource version: 9, current: 7" }, "too_large_version"],
      [504, { details: { causes: [{ reason: "ResourceVersionTooLarge" }] } }, "too_large_version"],
      [504, { message: "etcd timed out" }, "server"],
      [302, undefined, "garbage"],
      [undefined, undefined, "server"],
    ];
    for (const [status, body, code] of cases) assertEquals(statusError(status, body, context).code, code, `${status}`);
  });

  test("says the apiserver's own message, shortened to one line", () => {
    const { message } = statusError(400, { message: `first\nline ${"x".repeat(5000)}` }, context);
    assertStringIncludes(
      message,
      "cannot list endpointslices in all namespaces: the apiserver refused the query (400): first line",
    );
    assert(message.length < 600);
  });

  test("of a missing right names verb, resource, scope and rule", () => {
    const said = { message: 'endpointslices.discovery.k8s.io is forbidden: User "gw" cannot list' };
    const namespaced = { ...slices, namespace: "shop" };
    assertEquals(
      statusError(403, said, { verb: "watch", collection: namespaced }).message,
      "cannot watch endpointslices in namespace shop: forbidden (403): needs a Role in namespace shop with apiGroups " +
        `[discovery.k8s.io], resources [endpointslices], verbs [list, watch]; the apiserver said: ${said.message}`,
    );
    assertEquals(
      explainForbidden({ groupVersion: "api/v1", resource: "endpoints", listKind: "EndpointsList" }),
      'needs a ClusterRole with apiGroups [""], resources [endpoints], verbs [list, watch]',
    );
    const endpoints = { groupVersion: "api/v1", resource: "endpoints", listKind: "EndpointsList", namespace: "shop" };
    assertStringIncludes(
      statusError(403, said, { verb: "get", collection: endpoints }).message,
      'needs a Role in namespace shop with apiGroups [""], resources [endpoints], verbs [get]',
    );
  });

  test("keeps what the server asked to wait", () => {
    assertEquals(statusError(429, { details: { retryAfterSeconds: 3 } }, context).retryAfterMs, 3000);
    assertEquals(statusError(429, { details: { retryAfterSeconds: 3 } }, context, 7000).retryAfterMs, 7000);
  });
});

test("Retry-After is read as seconds or as a date, and never longer than five minutes", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  assertEquals(parseRetryAfter("7", now), 7000);
  assertEquals(parseRetryAfter(" 0 ", now), 0);
  assertEquals(parseRetryAfter("Thu, 01 Jan 2026 00:00:09 GMT", now), 9000);
  assertEquals(parseRetryAfter("Wed, 31 Dec 2025 00:00:00 GMT", now), 0);
  assertEquals(parseRetryAfter("86400", now), 300_000);
  assertEquals(parseRetryAfter("soon", now), undefined);
  assertEquals(parseRetryAfter(null, now), undefined);
});

test("a failure of network or TLS is told in words, whichever runtime reports it", () => {
  const coded = (code: string, message = code): Error => Object.assign(new TypeError(message), { code });
  const cases: [Error, string][] = [
    [coded("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"), "not signed by the given CA"],
    [coded("SELF_SIGNED_CERT_IN_CHAIN"), "not signed by the given CA"],
    [new TypeError("error sending request: invalid peer certificate: UnknownIssuer"), "not signed by the given CA"],
    [coded("CERT_HAS_EXPIRED", "certificate has expired"), "certificate has expired"],
    [
      coded("ERR_TLS_CERT_ALTNAME_INVALID", "certificate is for other names: a, b, not c"),
      "for other names: a, b, not c",
    ],
    [new TypeError("invalid peer certificate: NotValidForName"), "certificate is for other names"],
    [coded("ECONNREFUSED"), "connection refused"],
    [coded("ECONNRESET"), "connection lost"],
    [coded("ENOTFOUND", "getaddrinfo ENOTFOUND x"), "name not found"],
    [new TypeError("fetch failed", { cause: coded("ECONNREFUSED") }), "connection refused"],
    [new Error("something new"), "something new"],
  ];
  for (const [error, words] of cases) assertStringIncludes(describeNetworkFailure(error), words);
});

test("what was thrown for an object that cannot be one is garbage, anything else is unreachable", () => {
  assertEquals(toApiError(new InvalidObjectError("no metadata"), context).code, "garbage");
  assertEquals(toApiError(new TypeError("x"), context).code, "unreachable");
  const known = statusError(403, undefined, context);
  assertEquals(toApiError(known, context), known);
});
