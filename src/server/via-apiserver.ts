import type { Logger } from "../base/log.ts";
import { streamFrom } from "../http/fetch/body.ts";
import { headersOf } from "../http/header-fields.ts";
import type { HttpAnswer } from "../http/message.ts";
import type { OutgoingRequest, Transport } from "../http/transport.ts";
import type { ApiserverConnection } from "../kubernetes/connection.ts";

/** What is said at the start: it is for development, and not all goes this way. */
export const VIA_APISERVER_NOTE =
  "Requests go to pods through the apiserver (--via-apiserver): for development, and slow. WebSockets, gRPC and streams are not carried, and a client's Authorization does not reach the pod";

/** What reaching pods through the apiserver needs. */
export interface ViaApiserverOptions {
  /** The connection of a cluster, "" where there is one; undefined: none stands yet. */
  connection(cluster: string): ApiserverConnection | undefined;
  /** For what is no pod of a cluster: a route's own nodes. */
  readonly direct: Transport;
  readonly logger: Logger;
}

/**
 * Sends requests by the apiserver's proxy of pods, for machines that cannot reach pods' addresses. It rewrites nothing
 * but the target: https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/
 */
export function viaApiserver({ connection, direct, logger }: ViaApiserverOptions): Transport {
  let toldOfRights = false;

  /** A 403 of the apiserver itself looks like one of the pod's; what is missing is said once. */
  function tellOfRights(response: Response, pod: string): void {
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    if (response.status !== 403 || !isJson || toldOfRights) return;
    toldOfRights = true;
    logger.log("warn", "The apiserver may not allow pods/proxy; check --live --via-apiserver tells", { pod });
  }

  async function send(url: string, request: OutgoingRequest): Promise<HttpAnswer> {
    const { endpoint, cluster, method, body, upgrade } = request;
    const isPod = endpoint?.pod !== undefined && cluster !== undefined;
    if (!isPod || upgrade !== undefined) return await direct.send(url, request);
    const way = connection(cluster);
    if (way === undefined) throw new Error("no connection to the apiserver");
    const [namespace = "", name = ""] = endpoint.pod.split("/");
    const { protocol } = new URL(url);
    const target = `${protocol === "https:" ? "https:" : ""}${name}:${endpoint.port}`;
    const root = `/api/v1/namespaces/${namespace}/pods/${target}/proxy`;
    const path = url.slice(url.indexOf("/", protocol.length + 2));
    const headers = new Headers(headersOf(request.headers));
    headers.delete("host");
    headers.delete("authorization");
    // What is decoded on the way could not be passed on as it is said to be.
    headers.set("accept-encoding", "identity");
    const authorization = await way.credentials.authorization();
    if (authorization !== undefined) headers.set("authorization", authorization);
    const response = await way.fetch(way.server + root + path, {
      ...{ method, headers, redirect: "manual" as const, signal: request.controller.signal },
      ...(body !== undefined && { body: streamFrom(body), duplex: "half" as const }),
    });
    tellOfRights(response, endpoint.pod);
    const location = response.headers.get("location");
    const answer = new Response(response.body, response);
    // The apiserver leads redirects of the pod to itself.
    if (location?.startsWith(root)) answer.headers.set("location", location.slice(root.length) || "/");
    return answer;
  }

  return { ...direct, send, stripsHopByHop: false };
}
