import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../../helpers/wait.ts";
import { createAuthority, createSigningKey, type KeyPair } from "./pki.ts";
import { runTool } from "./run-tool.ts";
import { assetsFolder, stateFolder } from "./state.ts";

/** Milliseconds an apiserver may take until it is ready; 3 to 5 s on two idle cores. */
const START_MS = 90_000;

/**
 * The clusters of a run. Each has its own certificate authority, etcd and ports, is started by the first test that
 * uses it, and is then shared by all of them: a test works in namespaces of its own.
 */
const CLUSTERS = {
  release: { port: 16_443, etcdPort: 23_790, flags: [] },
  staging: { port: 16_444, etcdPort: 23_792, flags: [] },
  // For the tests that kill its apiserver. Without the watch cache a restart alone does not expire a version: what is
  // gone is what was compacted out of etcd.
  fragile: { port: 16_445, etcdPort: 23_794, flags: ["--watch-cache=false"] },
} as const satisfies Record<string, { port: number; etcdPort: number; flags: readonly string[] }>;

export type ClusterName = keyof typeof CLUSTERS;

/** A request as the apiserver's audit log has it. */
export interface AuditedRequest {
  /** `list`, `watch`, `get` … */
  verb: string;
  path: string;
  query: URLSearchParams;
  /** The HTTP status; an ERROR event inside a watch is not seen here. */
  status: number;
}

/** What the audit log holds: every request of service accounts and of the users of client certificates. */
const AUDIT_POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  rules: [
    { level: "None", userGroups: ["system:masters"] },
    { level: "Metadata", userGroups: ["system:serviceaccounts", "gateways"] },
    { level: "None" },
  ],
};

/** A line of the audit log, as far as it is read here. */
interface AuditLine {
  auditID: string;
  verb: string;
  requestURI: string;
  user: { username?: string };
  responseStatus?: { code: number };
}

/** A running etcd and kube-apiserver. */
export interface RealCluster {
  readonly name: ClusterName;
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** The certificate the apiserver's own is signed with. */
  readonly ca: string;
  /** A client certificate for the user `gateway` of group `gateways`. */
  readonly gatewayCertificate: KeyPair;
  /** Runs kubectl with all rights; returns its stdout. */
  kubectl(...args: string[]): Promise<string>;
  /** `kubectl apply` of these objects in one call. */
  apply(...objects: object[]): Promise<void>;
  /** The newest version of EndpointSlice this server has: `discovery.k8s.io/v1`, or `v1beta1` before 1.21. */
  sliceVersion(): Promise<string>;
  /** SIGKILL to the apiserver; resolves when nobody listens any more. etcd goes on. */
  killApiserver(): Promise<void>;
  /** Starts the apiserver again on what etcd holds; resolves when it is ready. */
  startApiserver(): Promise<void>;
  /** `kubectl create` of these objects: quicker than `apply` for many new ones. */
  create(...objects: object[]): Promise<void>;
  /** What a user asked the apiserver for so far, in order, from its audit log. */
  requestsOf(user: string): Promise<AuditedRequest[]>;
  /** Compacts etcd up to its newest revision, and returns that. */
  compact(): Promise<number>;
}

const exists = (...path: string[]): boolean => existsSync(join(...path));

/**
 * Starts a server process that lives until the namespace ends. It becomes a child of the namespace's first process:
 * Bun ends its own children when a test takes too long, and the tests after that one need the server.
 */
async function startServer(folder: string, name: string, args: readonly string[]): Promise<void> {
  const script = '"$@" >>"$0.log" 2>&1 </dev/null & echo $! >"$0.pid"';
  await runTool(["sh", "-c", script, name, join(assetsFolder(), name), ...args], { cwd: folder });
}

async function lastLines(folder: string, name: string): Promise<string> {
  return (await readFile(join(folder, `${name}.log`), "utf8")).split("\n").slice(-8).join("\n");
}

function handle(name: ClusterName): RealCluster & { createFiles(): Promise<void>; startEtcd(): Promise<void> } {
  const { port, etcdPort, flags } = CLUSTERS[name];
  const folder = join(stateFolder(), name);
  const pki = join(folder, "pki");
  const etcd = `http://127.0.0.1:${etcdPort}`;
  const url = `https://127.0.0.1:${port}`;
  const auditLog = join(folder, "audit.log");
  const auditPolicy = join(folder, "audit-policy.json");
  const kubectlFlags = ["--kubeconfig", join(folder, "admin.kubeconfig"), "--cache-dir", join(folder, "kubectl-cache")];

  const kubectl = (...args: string[]): Promise<string> => runTool(["kubectl", ...kubectlFlags, ...args]);

  const send = async (verb: "apply" | "create", objects: readonly object[]): Promise<void> => {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    await runTool(["kubectl", ...kubectlFlags, verb, "-f", "-"], { stdin: list });
  };

  const etcdCall = async (path: string, body: object): Promise<{ header: { revision: string } }> => {
    const answer = await fetch(`${etcd}/v3/kv/${path}`, { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd answered ${path} with ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as { header: { revision: string } };
  };

  return {
    name,
    host: "127.0.0.1",
    port,
    url,
    ca: join(pki, "ca.crt"),
    gatewayCertificate: { cert: join(pki, "gateway.crt"), key: join(pki, "gateway.key") },
    kubectl,

    async createFiles() {
      const authority = await createAuthority(pki, `${name}-ca`);
      await authority.issue("apiserver", "/CN=kube-apiserver", `subjectAltName=IP:127.0.0.1,DNS:${name}.example`);
      const admin = await authority.issue("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth");
      await authority.issue("gateway", "/O=gateways/CN=gateway", "extendedKeyUsage=clientAuth");
      await createSigningKey(pki);
      await writeFile(auditPolicy, JSON.stringify(AUDIT_POLICY));
      await writeFile(
        join(folder, "admin.kubeconfig"),
        JSON.stringify({
          apiVersion: "v1",
          kind: "Config",
          clusters: [{ name, cluster: { server: url, "certificate-authority": authority.cert } }],
          users: [{ name: "admin", user: { "client-certificate": admin.cert, "client-key": admin.key } }],
          contexts: [{ name, context: { cluster: name, user: "admin" } }],
          "current-context": name,
        }),
      );
    },

    async requestsOf(user) {
      // A watch has a line when it starts and another when it ends, both with the same id.
      const found = new Map<string, AuditedRequest>();
      for (const text of (await readFile(auditLog, "utf8")).split("\n").slice(0, -1)) {
        const line = JSON.parse(text) as AuditLine;
        if (line.user.username !== user) continue;
        const { pathname, searchParams } = new URL(line.requestURI, url);
        const status = line.responseStatus?.code ?? 0;
        found.set(line.auditID, { verb: line.verb, path: pathname, query: searchParams, status });
      }
      return [...found.values()];
    },

    async startEtcd() {
      await startServer(folder, "etcd", [
        `--data-dir=${join(folder, "etcd")}`,
        `--listen-client-urls=${etcd}`,
        `--advertise-client-urls=${etcd}`,
        `--listen-peer-urls=http://127.0.0.1:${etcdPort + 1}`,
      ]);
    },

    async startApiserver() {
      const file = (base: string): string => join(pki, base);
      await startServer(folder, "kube-apiserver", [
        `--etcd-servers=${etcd}`,
        "--bind-address=127.0.0.1",
        `--secure-port=${port}`,
        "--advertise-address=10.244.0.1", // else it looks for a default route and refuses to start without
        `--cert-dir=${pki}`,
        `--tls-cert-file=${file("apiserver.crt")}`,
        `--tls-private-key-file=${file("apiserver.key")}`,
        `--client-ca-file=${file("ca.crt")}`,
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-signing-key-file=${file("sa.key")}`,
        `--service-account-key-file=${file("sa.pub")}`,
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/16",
        "--disable-admission-plugins=ServiceAccount",
        `--audit-policy-file=${auditPolicy}`,
        `--audit-log-path=${auditLog}`,
        ...flags,
      ]);
      await until(async () => (await kubectl("get", "--raw", "/readyz")) === "ok", {
        timeout: START_MS,
        interval: 100,
        message: async () => `the apiserver of ${name} to be ready\n${await lastLines(folder, "kube-apiserver")}`,
      });
    },

    async killApiserver() {
      process.kill(Number(await readFile(join(folder, "kube-apiserver.pid"), "utf8")), "SIGKILL");
      await until(
        () =>
          fetch(`http://127.0.0.1:${port}/`).then(
            () => false,
            () => true,
          ),
        {
          message: `the apiserver of ${name} to be gone`,
        },
      );
    },

    apply: (...objects) => send("apply", objects),
    create: (...objects) => send("create", objects),

    async sliceVersion() {
      const versions = (await kubectl("api-versions")).split("\n");
      return versions.includes("discovery.k8s.io/v1") ? "discovery.k8s.io/v1" : "discovery.k8s.io/v1beta1";
    },

    async compact() {
      const revision = Number((await etcdCall("range", { key: btoa("\0") })).header.revision);
      await etcdCall("compaction", { revision, physical: true });
      return revision;
    },
  };
}

/** The cluster of this name, started if this is its first use in this run. */
export async function useCluster(name: ClusterName): Promise<RealCluster> {
  const { createFiles, startEtcd, ...cluster } = handle(name);
  const folder = join(stateFolder(), name);
  if (!exists(folder)) {
    await mkdir(folder, { recursive: true });
    await createFiles();
    await startEtcd();
    await cluster.startApiserver();
  }
  return cluster;
}
