import { apiVersionOf, RESOURCES, type Resource, VERBS } from "./resources.ts";
import type { Json } from "./types.ts";

/** The version this server says it is: the last minor that all of today's clients still speak to. */
const GIT_VERSION = "v1.32.0";

/** `GET /version`. */
export const versionInfo = (): Json => ({
  major: "1",
  minor: "32",
  gitVersion: GIT_VERSION,
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "podway/embedded",
});

const resourceList = (groupVersion: string, resources: readonly Resource[]): Json => ({
  kind: "APIResourceList",
  ...(groupVersion !== "v1" && { apiVersion: "v1" }),
  groupVersion,
  resources: resources.flatMap(({ plural, singular, namespaced, kind, shortNames, categories, status }) => [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: VERBS,
      ...(shortNames.length > 0 && { shortNames }),
      ...(categories.length > 0 && { categories }),
    },
    ...(status
      ? [{ name: `${plural}/status`, singularName: "", namespaced, kind, verbs: ["get", "patch", "update"] }]
      : []),
  ]),
});

const groupOf = (name: string, versions: readonly string[]): Json => {
  const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: all, preferredVersion: all[0] };
};

const SLICES = "discovery.k8s.io";
const inGroup = (group: string): readonly Resource[] => RESOURCES.filter((resource) => resource.group === group);

/**
 * Tells kubectl that writes are validated here: it looks for the `fieldValidation` parameter of a kind's PATCH.
 * Strategic merge patches are not named, so that kubectl computes them from the types it was built with.
 */
function openApiV3(groupVersion: string, resources: readonly Resource[]): Json {
  const root = groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`;
  const version = groupVersion.split("/").pop()!;
  const parameter = (name: string) => ({ name, in: "query", schema: { type: "string", uniqueItems: true } });
  const paths = resources.map((resource) => {
    const kind = { group: resource.group, version, kind: resource.kind };
    const path = `${root}/${resource.namespaced ? "namespaces/{namespace}/" : ""}${resource.plural}/{name}`;
    const patch = {
      "x-kubernetes-action": "patch",
      "x-kubernetes-group-version-kind": kind,
      parameters: ["dryRun", "fieldManager", "fieldValidation", "force"].map(parameter),
      requestBody: { content: { "application/merge-patch+json": { schema: { type: "object" } } } },
      responses: { 200: { description: "OK" } },
    };
    return [path, { patch }] as const;
  });
  const schemas = resources.map(
    (resource) =>
      [
        `io.k8s.api.${resource.group === "" ? "core" : "discovery"}.${version}.${resource.kind}`,
        {
          type: "object",
          "x-kubernetes-preserve-unknown-fields": true,
          "x-kubernetes-group-version-kind": [{ group: resource.group, version, kind: resource.kind }],
        },
      ] as const,
  );
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: GIT_VERSION },
    paths: Object.fromEntries(paths),
    components: { schemas: Object.fromEntries(schemas) },
  };
}

/**
 * The discovery documents: what a client reads before it asks for objects. undefined where there is none.
 * https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
 */
export function apiDocument(path: string, host: string, sliceVersions: readonly string[]): Json | undefined {
  const groupVersions = ["v1", ...sliceVersions.map((version) => `${SLICES}/${version}`)];
  const rootOf = (groupVersion: string) => (groupVersion === "v1" ? "api/v1" : `apis/${groupVersion}`);
  const groups = sliceVersions.length > 0 ? [groupOf(SLICES, sliceVersions)] : [];
  switch (path.replace(/(.)\/+$/, "$1")) {
    case "/version":
      return versionInfo();
    case "/api":
      return {
        kind: "APIVersions",
        versions: ["v1"],
        serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: host }],
      };
    case "/apis":
      return { kind: "APIGroupList", apiVersion: "v1", groups };
    case `/apis/${SLICES}`:
      return groups.length > 0 ? { kind: "APIGroup", apiVersion: "v1", ...groups[0] } : undefined;
    case "/":
      return {
        paths: [
          "/api",
          "/apis",
          ...groupVersions.map((version) => `/${rootOf(version)}`),
          "/healthz",
          "/livez",
          "/openapi/v2",
          "/openapi/v3",
          "/readyz",
          "/version",
        ],
      };
    case "/openapi/v2":
      return { swagger: "2.0", info: { title: "Kubernetes", version: GIT_VERSION }, paths: {}, definitions: {} };
    case "/openapi/v3": {
      const entry = (version: string) =>
        [rootOf(version), { serverRelativeURL: `/openapi/v3/${rootOf(version)}` }] as const;
      return { paths: Object.fromEntries(groupVersions.map(entry)) };
    }
  }
  for (const groupVersion of groupVersions) {
    const resources = groupVersion === "v1" ? inGroup("") : inGroup(SLICES);
    if (path === `/${rootOf(groupVersion)}`) return resourceList(groupVersion, resources);
    if (path === `/openapi/v3/${rootOf(groupVersion)}`) return openApiV3(groupVersion, resources);
  }
  return undefined;
}

const utf8 = new TextEncoder();
const field = (number: number, bytes: Uint8Array): number[] => [number * 8 + 2, bytes.length, ...bytes];

/**
 * `/openapi/v2` in protobuf, the only form older kubectls ask for: swagger, info and an empty list of paths
 * (openapi_v2.Document of gnostic). Without definitions they skip their own validation; ours remains.
 */
export function openApiV2Protobuf(): Uint8Array<ArrayBuffer> {
  const info = [...field(1, utf8.encode("Kubernetes")), ...field(2, utf8.encode(GIT_VERSION))];
  return new Uint8Array([
    ...field(1, utf8.encode("2.0")),
    ...field(2, new Uint8Array(info)),
    ...field(8, new Uint8Array()),
  ]);
}

/** Names of what this server serves, for `apiVersion` and `kind` of an object. */
export const findByKind = (apiVersion: unknown, kind: unknown): Resource | undefined =>
  RESOURCES.find(
    (resource) =>
      resource.kind === kind &&
      (apiVersion === undefined ||
        apiVersion === apiVersionOf(resource) ||
        (resource.group !== "" && String(apiVersion).startsWith(`${resource.group}/`))),
  );
