import type { LazyAbortController } from "../base/abort.ts";
import type { Endpoint } from "../discovery/types.ts";
import type { BodySource } from "../http/body.ts";
import type { HeaderFields } from "../http/header-fields.ts";
import type { ClientRequest, InterimAnswer } from "../http/message.ts";
import type { Keepalive, OutgoingRequest, RequestedUpgrade } from "../http/transport.ts";
import type { InFlightRequest } from "./in-flight.ts";
import type { ProxyRoute } from "./types.ts";

/** A client's request on its way to a pod, and to another one where that failed. */
export class ProxiedRequest implements OutgoingRequest {
  readonly method: string;
  readonly headers: HeaderFields;
  body: BodySource | undefined = undefined;
  endpoint: Endpoint | undefined = undefined;
  cluster: string | undefined = undefined;
  controller: LazyAbortController;
  expectsContinue = false;
  readonly connectTimeout: number;
  readonly keepalive: Keepalive;
  readonly upgrade: RequestedUpgrade | undefined;
  readonly #client: ClientRequest;
  readonly #pending: InFlightRequest;

  constructor(
    client: ClientRequest,
    pending: InFlightRequest,
    { rule }: ProxyRoute,
    { method, headers, upgrade }: Pick<OutgoingRequest, "method" | "headers" | "upgrade">,
  ) {
    this.method = method;
    this.headers = headers;
    this.controller = pending.controller;
    this.connectTimeout = rule.timeouts.connect;
    this.keepalive = rule.keepalive;
    this.upgrade = upgrade;
    this.#client = client;
    this.#pending = pending;
  }

  /** An attempt begins: it goes to that address. */
  begin(endpoint: Endpoint, cluster: string | undefined): void {
    const { upload, controller } = this.#pending;
    this.controller = controller;
    this.endpoint = endpoint;
    this.cluster = cluster;
    if (upload === undefined) return;
    this.expectsContinue = upload.expected;
    this.body = upload.open();
  }

  /** The pod's interim answers are the client's; that it may send its body it is notified of once, if it waits for that. */
  interim(answer: InterimAnswer): void {
    if (answer.status === 100) {
      const { upload } = this.#pending;
      if (upload?.expected !== true) return;
      upload.continued();
    }
    this.#client.interim?.(answer);
  }
}
