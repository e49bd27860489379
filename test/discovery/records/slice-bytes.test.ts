import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { endpointSliceDecoder } from "../../../src/discovery/records/endpoint-slices.ts";
import type { SliceRecord } from "../../../src/discovery/records/slice-record.ts";
import type { ReadObject } from "../../../src/kubernetes/types.ts";
import { seededRandom } from "../../helpers/random.ts";
import { at, slice } from "../support.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const keepNamespace = (namespace: string): boolean => namespace !== "left-out";

const decode = endpointSliceDecoder({ keepNamespace });

/** What the bytes say; undefined where they are left to `JSON.parse`, or something stands behind them. */
function fromBytes(bytes: Uint8Array): ReadObject<SliceRecord> | undefined {
  const read = decode.fromBytes!(bytes, 0);
  return read?.end === bytes.length ? read : undefined;
}

const pod = (n: number, fields: object = {}) => at(`10.0.0.${n}`, { pod: `web-${n}`, nodeName: `n${n}`, ...fields });

/** As the apiserver writes one. */
function written(endpoints: unknown, metadata: object = {}, parts: Parameters<typeof slice>[2] = {}): object {
  const plain = slice("web-a", endpoints, parts) as { metadata: object };
  const managedFields = [
    { manager: "m", fieldsV1: { "f:ports": {}, 'k:{"uid":"x"}': { ".": {} } }, time: null, n: -1.5 },
  ];
  return { ...plain, metadata: { ...plain.metadata, resourceVersion: "77", managedFields, ...metadata } };
}

const PLAIN: Record<string, object> = {
  "three endpoints": written([pod(1), pod(2), pod(3)]),
  "no endpoints": written([]),
  conditions: written([
    pod(1, { conditions: { ready: true, serving: true, terminating: false } }),
    pod(2, { conditions: { ready: false, serving: true, terminating: true } }),
    pod(3, { conditions: { ready: null, serving: null } }),
    pod(4, { conditions: { ready: false } }),
    pod(5, { conditions: {} }),
  ]),
  "zones and hints": written([
    pod(1, { zone: "a", hints: { forZones: [{ name: "a" }, { name: "b" }] } }),
    pod(2, { zone: "b", hints: { forZones: [] } }),
    pod(3, { zone: "c" }),
  ]),
  "no target": written([{ addresses: ["10.0.0.1"] }, { addresses: ["10.0.0.2"], targetRef: {} }]),
  IPv6: written([{ addresses: ["fd00:1::2"] }, { addresses: ["::1"] }], {}, { addressType: "IPv6" }),
  "several ports": written(
    [pod(1)],
    {},
    {
      ports: [
        { name: "", port: 80 },
        { name: "m", port: 90, protocol: "UDP" },
      ],
    },
  ),
  "a namespace that is left out": written([pod(1)], { namespace: "left-out" }),
  "escapes where nothing is read": written([pod(1)], { annotations: { note: 'a "quoted" \\ é \u0001 text', n: "🚀" } }),
};

const LEFT: Record<string, object> = {
  "a weight": written([pod(1)], { annotations: { "podway.dev/weight": "7" } }),
  "an FQDN slice": written([pod(1)], {}, { addressType: "FQDN" }),
  "two addresses of one endpoint": written([{ addresses: ["10.0.0.1", "10.0.0.2"] }]),
  "no address at all": written([{ addresses: [] }]),
  "what is no address": written([{ addresses: ["web.example.org"] }]),
  "an address of five parts": written([{ addresses: ["1.2.3.4.5"] }]),
  "the topology of v1beta1": written([pod(1, { topology: { "topology.kubernetes.io/zone": "a" } })]),
  "a target that is no pod": written([at("10.0.0.1", { targetRef: { kind: "Node", name: "n" } })]),
  "a target without a namespace": written([at("10.0.0.1", { targetRef: { kind: "Pod", name: "n" } })]),
  "an escape in what is read": written([pod(1, { zone: 'a"b' })]),
  "text beyond ASCII in what is read": written([pod(1, { zone: "zürich" })]),
  "a port without a number": written([pod(1)], {}, { ports: [{ name: "all" }] }),
  "no service": written([pod(1)], { labels: {} }),
  "no version": written([pod(1)], { resourceVersion: undefined }),
  "another kind": { ...written([pod(1)]), kind: "Endpoints" },
  "null for endpoints": { ...written([]), endpoints: null },
};

const MUTATIONS = 30_000;

describe("a slice read from its bytes", () => {
  for (const [what, object] of Object.entries(PLAIN)) {
    test(`is what JSON.parse and the decoder make of it: ${what}`, () => {
      const read = fromBytes(encoder.encode(JSON.stringify(object)));
      assert(read !== undefined);
      const { name, namespace } = (object as { metadata: { name: string; namespace: string } }).metadata;
      assertEquals([read.name, read.namespace, read.resourceVersion], [name, namespace, "77"]);
      assertEquals(read.item, decode(object));
    });
  }

  for (const [what, object] of Object.entries(LEFT)) {
    test(`is left to JSON.parse: ${what}`, () => {
      assertEquals(fromBytes(encoder.encode(JSON.stringify(object))), undefined);
    });
  }

  const TWICE = ["metadata", "endpoints", "labels", "targetRef", "conditions", "addresses"];
  for (const key of TWICE) {
    test(`is left to JSON.parse when ${key} comes twice, and the second would hold`, () => {
      const text = JSON.stringify(PLAIN.conditions);
      const from = text.indexOf(`"${key}":`);
      const doubled = `${text.slice(0, from)}"${key}":${key === "endpoints" || key === "addresses" ? "[]" : "{}"},${text.slice(from)}`;
      const read = fromBytes(encoder.encode(doubled));
      if (read !== undefined) assertEquals(read.item, decode(JSON.parse(doubled)));
    });
  }

  test(`is never anything else than JSON.parse says, in ${MUTATIONS} damaged forms`, () => {
    const random = seededRandom(7);
    const pick = (below: number): number => Math.floor(random() * below);
    const texts = [...Object.values(PLAIN), ...Object.values(LEFT)].map((object) =>
      encoder.encode(JSON.stringify(object)),
    );
    const tokens = [
      '"',
      "\\",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "null",
      "true",
      "1e9",
      "0",
      "-",
      " ",
      "\n",
      "é",
      '"name":"x",',
    ];
    let taken = 0;
    for (let i = 0; i < MUTATIONS; i++) {
      let bytes = texts[pick(texts.length)]!;
      for (let edits = 1 + pick(2); edits > 0; edits--) {
        const from = pick(bytes.length);
        const to = Math.min(bytes.length, from + pick(3) * pick(12));
        const put = encoder.encode(
          random() < 0.3
            ? decoder.decode(bytes.subarray(pick(from + 1), from)).slice(-40)
            : tokens[pick(tokens.length)],
        );
        bytes = new Uint8Array([...bytes.subarray(0, from), ...put, ...bytes.subarray(to)]);
      }
      const read = fromBytes(bytes);
      if (read === undefined) continue;
      taken++;
      // It throws, and the test fails, where the bytes were no JSON or no slice.
      assertEquals(read.item, decode(JSON.parse(decoder.decode(bytes))), decoder.decode(bytes));
    }
    assert(taken > MUTATIONS / 100, `${taken} of the damaged forms were still slices`);
  });
});
