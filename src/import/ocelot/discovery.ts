import type { YamlMapping } from "../document.ts";
import { commented, convertedFrom } from "../document.ts";
import type { Input } from "../input.ts";
import { declineSet, isUnset } from "./values.ts";

/** How each of Ocelot's Kubernetes providers follows a cluster. */
const MODES: Readonly<Record<string, "request" | "poll" | "watch">> = {
  kube: "request",
  pollkube: "poll",
  watchkube: "watch",
};

const POLL_MIN_MS = 100;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const UNUSED = "Ocelot does not use it in a pod, where the service account says where the apiserver is";

/** The pod's own apiserver; by its name in the cluster where the file is only looked at (`check`). */
const IN_POD = {
  host: "${KUBERNETES_SERVICE_HOST:-kubernetes.default.svc}",
  port: "${KUBERNETES_SERVICE_PORT:-443}",
};

/** Where services are found. */
export interface OcelotDiscovery {
  /** Whether services are found in Kubernetes. */
  readonly on: boolean;
  /** The block for gateway.yaml, once it is known which namespaces routes name. */
  block(namespaces: readonly string[]): YamlMapping | undefined;
}

/** A namespace's name as Kubernetes has it; undefined: it can be none. */
export function namespaceOf(input: Input): string | undefined {
  if (isUnset(input)) return undefined;
  const written = input.text();
  if (written === undefined) return undefined;
  const name = written.toLowerCase();
  if (!NAMESPACE.test(name)) {
    input.decline("it is no name that a namespace can have");
    return undefined;
  }
  if (name !== written) input.note("names of namespaces are in lower case in Kubernetes, and so it is here");
  return name;
}

function apiserverOf(provider: Input, useHost: boolean): { service?: YamlMapping; client?: YamlMapping } {
  const [scheme, host, port, token] = ["Scheme", "Host", "Port", "Token"].map((key) => provider.at(key)) as [
    Input,
    Input,
    Input,
    Input,
  ];
  if (!useHost) {
    for (const input of [scheme, host, port, token]) declineSet(input, `${UNUSED}: with --use-host it is taken over`);
    return { service: { host: IN_POD.host, port: IN_POD.port } };
  }
  const schema = isUnset(scheme) ? undefined : scheme.text()?.toLowerCase();
  if (schema !== undefined && schema !== "http" && schema !== "https") scheme.decline("it must be http or https");
  const address = isUnset(host) ? undefined : host.text();
  const number = isUnset(port) ? undefined : port.number();
  const secret = isUnset(token) ? undefined : token.text();
  return {
    service: { schema: schema === "http" ? "http" : undefined, host: address, port: number },
    ...(secret !== undefined && { client: { token: commented(secret, "better a token_file, or ${TOKEN}") } }),
  };
}

/** Reads `ServiceDiscoveryProvider`. */
export function ocelotDiscovery(provider: Input, useHost: boolean): OcelotDiscovery {
  const off: OcelotDiscovery = { on: false, block: () => undefined };
  if (isUnset(provider)) return off;
  const type = provider.at("Type");
  const mode = isUnset(type) ? undefined : MODES[type.text()?.toLowerCase() ?? ""];
  if (mode === undefined) {
    provider.decline("services are found in Kubernetes only: Kube, PollKube and WatchKube are carried over");
    return off;
  }
  const namespace = namespaceOf(provider.at("Namespace"));
  const interval = provider.at("PollingInterval");
  const polled = isUnset(interval) ? undefined : interval.number();
  if (polled !== undefined && mode !== "poll") interval.note("only PollKube polls, so it has no effect");
  if (polled !== undefined && polled < POLL_MIN_MS)
    interval.note(`it is ${POLL_MIN_MS} ms here, the shortest there is`);
  declineSet(provider.at("ConfigurationKey"), "the file is read from disk, and read again when it changes");
  const apiserver = apiserverOf(provider, useHost);
  return {
    on: true,
    block: (named) => ({
      kubernetes: convertedFrom(provider, {
        ...apiserver,
        namespace,
        namespaces: namespace === undefined ? undefined : [...new Set([namespace, ...named])],
        watch_endpoint_slices: true,
        mode,
        poll_interval: mode === "poll" && polled !== undefined ? Math.max(POLL_MIN_MS, Math.round(polled)) : undefined,
      }),
    }),
  };
}
