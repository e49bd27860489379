import fc from "fast-check";

/**
 * Objects, lists and watch lines as no apiserver should send them, and some as it may: fields of the API's types that are
 * missing, null, of another type, out of range, huge, there twice, or nested deeply. As JSON text, since objects of the
 * language have no key twice.
 */

/** JSON text, and the same with spaces between its tokens. */
export interface Json {
  readonly compact: string;
  readonly spaced: string;
}

const raw = (text: string): Json => ({ compact: text, spaced: text });
const json = (value: unknown): Json => raw(JSON.stringify(value));
const joined = (open: string, parts: readonly Json[], close: string): Json => ({
  compact: `${open}${parts.map(({ compact }) => compact).join(",")}${close}`,
  spaced: `${open} ${parts.map(({ spaced }) => spaced).join(" ,\t")} ${close}`,
});

/** A list of texts. */
export const listOf = (items: readonly Json[]): Json => joined("[", items, "]");

/** An object of members, a key perhaps twice. */
export const objectOf = (members: readonly (readonly [string, Json])[]): Json =>
  joined(
    "{",
    members.map(([key, value]) => ({
      compact: `${JSON.stringify(key)}:${value.compact}`,
      spaced: `${JSON.stringify(key)} : ${value.spaced}`,
    })),
    "}",
  );

type Members = readonly (readonly [string, Json])[];
type Arb<T> = fc.Arbitrary<T>;

const nested = fc
  .tuple(fc.constantFrom(3, 60, 70, 99, 101, 5000), fc.constantFrom(["[", "]"], ['{"a":', "}"]))
  .map(([depth, [open, close]]) => raw(`${open!.repeat(depth)}0${close!.repeat(depth)}`));

/** What may stand where something else is meant. */
const odd: Arb<Json> = fc.oneof(
  fc
    .constantFrom<unknown>(
      null, 0, -1, 1.5, 1, 65_535, 65_536, 70_000, "80", "", " ", "0", "a/b", "__proto__", "constructor", true, false,
      [], {}, [null], [[]], [{}], [0], { "": null }, "\u0000", "é🚀", "\ud800", "x".repeat(5000), 2 ** 53,
    ) // biome-ignore format: a table
    .map(json),
  fc.constantFrom("1e999", "-0", "1E2", '"\\u0061"', '"\\/"').map(raw),
  nested,
  fc.jsonValue({ maxDepth: 3 }).map(json),
);

const oneOf = (...values: readonly unknown[]): Arb<Json> => fc.constantFrom(...values).map(json);

/** What is read of a cluster. */
export type Resource = "endpointslices" | "endpoints" | "services";

/** How often something is odd: `tame` objects are those that are read from their bytes, some of them. */
const TAME = 2000;
const WILD = 24;

/** Everything that is generated, so odd that `usual` of some 30 parts are as they should be. */
function generators(usual: number) {
  /** One member, most often as it is meant. */
  const member = (key: string, meant: Arb<Json>): Arb<Members> => {
    const named = (value: Json) => [key, value] as const;
    return fc.oneof(
      { weight: usual, arbitrary: meant.map((value) => [named(value)]) },
      { weight: 2, arbitrary: odd.map((value) => [named(value)]) },
      { weight: 1, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.tuple(meant, odd).map((values) => values.map(named)) },
      { weight: 1, arbitrary: fc.tuple(odd, meant).map((values) => values.map(named)) },
    );
  };
  const object = (...members: readonly Arb<Members>[]): Arb<Json> =>
    fc.tuple(...members).map((parts) => objectOf(parts.flat()));
  const some = (item: Arb<Json>, maxLength = 4): Arb<Json> =>
    fc
      .array(fc.oneof({ weight: usual, arbitrary: item }, { weight: 1, arbitrary: odd }), { minLength: 1, maxLength })
      .map(listOf);
  /** One of these, seldom one of those. */
  const mostly = (these: readonly unknown[], those: readonly unknown[]): Arb<Json> =>
    fc.oneof({ weight: usual, arbitrary: oneOf(...these) }, { weight: 5, arbitrary: oneOf(...those) });

  const address = mostly(
    ["10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1"],
    [
      "FD00:0:0::1", "fd00:0:0:0:0:0:0:1", "::ffff:10.0.0.1", "::", "::1", "127.0.0.1", "0.0.0.0", "010.0.0.1",
      "999.1.1.1", "10.0.0", "10.0.0.1:80", "[::1]", "::1%eth0", "web.example.org", "",
    ],
  ); // biome-ignore format: a table
  const flag = mostly([true, false], [null]);
  const port = object(
    member("name", mostly(["http", "", "metrics"], ["http:80/TCP,x"])),
    member("port", mostly([80, 8080, 9090], [0, 70_000, -1, 1.5, "80", null])),
    member("protocol", mostly(["TCP", "UDP"], ["SCTP", null])),
    member("appProtocol", mostly(["http"], [null])),
  );
  const target = object(
    member("kind", mostly(["Pod"], ["Node"])),
    member("namespace", mostly(["team-b"], [""])),
    member("name", oneOf("pod-1", "pod-2")),
    member("uid", oneOf("u-1", "")),
  );
  // Never a namespace of the services that must not be touched.
  const metadata = object(
    member("name", mostly(["a", "b", "c"], ["a/b", ""])),
    member("namespace", mostly(["team-b", "team-c"], ["team-b/a"])),
    member("resourceVersion", mostly(["5", "11", "12", "13"], ["", "x", "99999999999999999999", 7, null])),
    member("uid", oneOf("u")),
    member("labels", object(member("kubernetes.io/service-name", mostly(["a", "b"], [""])), member("x", oneOf("y")))),
    member("annotations", object(member("note", mostly(["text"], ["é"])))),
    member("managedFields", some(object(member("fieldsV1", oneOf({ "f:ports": {} }))), 2)),
  );
  const weighted = object(
    member("name", oneOf("a", "b", "c")),
    member("namespace", oneOf("team-b", "team-c")),
    member("annotations", object(member("podway.dev/weight", oneOf("7", "0", "-1", "", 7)))),
    member("labels", object(member("kubernetes.io/service-name", oneOf("a", "b")))),
  );
  const metadataOf = fc.oneof({ weight: 8, arbitrary: metadata }, { weight: 1, arbitrary: weighted });

  const endpoint = object(
    member("addresses", some(address, 1)),
    member("conditions", object(member("ready", flag), member("serving", flag), member("terminating", flag))),
    member("targetRef", target),
    member("zone", mostly(["z1", "z2"], [null])),
    member("hints", object(member("forZones", some(object(member("name", oneOf("z1", "z2"))), 2)))),
  );
  const slice = object(
    member("kind", mostly(["EndpointSlice"], ["Endpoints", "Pod"])),
    member("apiVersion", oneOf("discovery.k8s.io/v1")),
    member("metadata", metadataOf),
    member("addressType", mostly(["IPv4", "IPv6"], ["FQDN"])),
    member("ports", some(port)),
    member("endpoints", some(endpoint)),
  );
  const ip = object(member("ip", address), member("targetRef", target));
  const endpoints = object(
    member("kind", mostly(["Endpoints"], ["EndpointSlice"])),
    member("metadata", metadataOf),
    member(
      "subsets",
      some(object(member("addresses", some(ip)), member("notReadyAddresses", some(ip)), member("ports", some(port)))),
    ),
  );
  const service = object(
    member("kind", mostly(["Service"], ["Pod"])),
    member("metadata", metadata),
    member(
      "spec",
      object(
        member("type", oneOf("ClusterIP", "ExternalName")),
        member("clusterIP", oneOf("None", "10.1.1.1")),
        member("externalName", oneOf("db.example.org")),
        member("ports", some(port)),
      ),
    ),
  );
  const status = object(
    member("kind", oneOf("Status")),
    member("code", oneOf(410, 500, 403, 429, 200)),
    member("reason", oneOf("Expired", "InternalError", "Forbidden")),
    member("message", oneOf("too old resource version", "no")),
    member("details", object(member("retryAfterSeconds", oneOf(0, 1, -1)), member("causes", some(object(), 1)))),
  );
  const bookmarked = object(member("resourceVersion", oneOf("11", "12", "")));
  const bookmark = object(member("type", oneOf("BOOKMARK")), member("object", object(member("metadata", bookmarked))));
  const answer = object(
    member("kind", oneOf("EndpointSliceList", "EndpointsList", "PodList")),
    member("metadata", object(member("resourceVersion", oneOf("5", "", 7, null)))),
    member("items", oneOf(null, [{}], {}, "x", [null])),
  );
  return { member, object, slice, endpoints, service, status, bookmark, answer };
}

const tame = generators(TAME);
const wild = generators(WILD);

/** An object of a collection, or of none. */
export const oddObject = (resource: Resource): Arb<Json> => {
  const own = { endpointslices: "slice", endpoints: "endpoints", services: "service" } as const;
  return fc.oneof(
    { weight: 8, arbitrary: tame[own[resource]] },
    { weight: 8, arbitrary: wild[own[resource]] },
    { weight: 1, arbitrary: fc.oneof(wild.slice, wild.endpoints, wild.service, wild.status) },
    { weight: 1, arbitrary: odd },
  );
};

const EVENTS = ["ADDED", "MODIFIED", "DELETED"];

/** A line of a watch. */
export const oddLine = (resource: Resource): Arb<Json> => {
  const event = ({ object, member }: typeof tame, types: readonly string[]): Arb<Json> =>
    object(member("type", oneOf(...types)), member("object", oddObject(resource)));
  return fc.oneof(
    { weight: 15, arbitrary: event(tame, EVENTS) },
    { weight: 15, arbitrary: event(wild, [...EVENTS, "MOVED"]) },
    { weight: 1, arbitrary: wild.bookmark },
    { weight: 1, arbitrary: wild.object(wild.member("type", oneOf("ERROR")), wild.member("object", wild.status)) },
    { weight: 1, arbitrary: fc.constantFrom("", " ", "\r", "\t \r", "null", "{}", "[", "{nonsense").map(raw) },
    { weight: 1, arbitrary: odd },
  );
};

/** An answer in place of a list. */
export const oddAnswer: Arb<Json> = fc.oneof(wild.status, odd, wild.answer);
