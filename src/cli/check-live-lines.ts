import { stringify } from "yaml";
import { PORT_WORDS } from "../reports/explain/words.ts";
import type { ClusterReport, LiveReport, ServiceReport } from "../reports/live/report.ts";

const named = ({ id, server }: ClusterReport): string =>
  ["cluster", ...(id === "" ? [] : [id]), ...(server === null ? [] : [server])].join(" ");

const mark = (label: "ok" | "NO" | "warning", text: string): string => `  ${label.padEnd(8)} ${text}`;

const TLS = { verified: "its certificate is verified", not_verified: "not verified", none: "without TLS" } as const;

function reached({ tls, version, slices }: ClusterReport): string[] {
  if (tls === null) return [];
  const serves = slices.length === 0 ? [] : [`EndpointSlices in ${slices.join(", ")}`];
  return [mark("ok", ["reached", TLS[tls], version ?? "version not told", ...serves].join(", "))];
}

function identity({ user, tokenExpires }: ClusterReport): string[] {
  if (user === null) return [];
  return [mark("ok", `as ${user}${tokenExpires === null ? "" : `, by a token that ends on ${tokenExpires}`}`)];
}

function allowed({ rights }: ClusterReport): string[] {
  const given = rights.filter((one) => one.allowed === true);
  if (given.length === 0) return [];
  const places = Map.groupBy(given, ({ resource, namespace }) => `${resource} in ${namespace ?? "all namespaces"}`);
  const texts = [...places].map(([place, verbs]) => `${verbs.map(({ verb }) => verb).join(", ")} ${place}`);
  return [mark("ok", `may ${texts.join("; ")}`)];
}

function clusterLines(report: ClusterReport): string[] {
  return [
    named(report),
    ...reached(report),
    ...identity(report),
    ...allowed(report),
    ...report.faults.map((text) => mark("NO", text)),
    ...report.warnings.map((text) => mark("warning", text)),
  ];
}

function serviceLines({ usedBy, reference, nodes, port, reason, warning }: ServiceReport): string[] {
  const title = `${usedBy} to ${reference}`;
  if (nodes === 0) return [title, mark("NO", reason ?? "it has no nodes")];
  const numbers = [...new Set(port?.ports.map((one) => one.port))].join(", ");
  const by = port?.by == null ? "" : `, port ${numbers} by ${PORT_WORDS[port.by]}`;
  const ok = mark("ok", `${nodes} ${nodes === 1 ? "node" : "nodes"}${by}`);
  return [title, ok, ...(warning === undefined ? [] : [mark("warning", warning)])];
}

/** A cluster's missing rules as YAML that `kubectl apply -f -` takes. */
export function ruleYaml({ rules }: ClusterReport): string {
  return rules
    .map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd())
    .join("\n---\n");
}

/** A report for a terminal, without the rules. */
export function liveLines({ clusters, services }: LiveReport): string[] {
  return [...clusters.map(clusterLines), ...services.map(serviceLines)].flat();
}

/** The missing rules, each cluster's under a comment that says where to apply them. */
export function ruleLines({ clusters }: LiveReport): string[] {
  return clusters
    .filter(({ rules }) => rules.length > 0)
    .flatMap((cluster) => [
      "",
      `# the rights that ${named(cluster)} is to give: kubectl apply -f - there`,
      ruleYaml(cluster),
    ]);
}
