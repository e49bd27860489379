import type { BodySource } from "../body.ts";
import { ClientGone } from "../client-gone.ts";
import type { Fields } from "../header-fields.ts";
import type { ClientRequest, GoneSignal, InterimAnswer } from "../message.ts";
import type { RequestHead } from "./read-request.ts";

/** The connection that a request came on. */
export interface RequestOwner {
  /** Sends an interim answer to `request`, where that is still of use. */
  sendInterim(request: ServerRequest, answer: InterimAnswer): void;
}

/** A request that came over HTTP/1. */
export class ServerRequest implements ClientRequest {
  readonly method: string;
  readonly url: string;
  readonly authority: string | undefined;
  readonly headers: Fields;
  readonly body: BodySource | null;
  readonly expectsContinue: boolean;
  /** `FIELD` kinds of all its fields (src/http/fields.ts). */
  readonly kinds: number;
  /** Of its version, HTTP/1. */
  readonly minor: 0 | 1;
  /** Its client takes another answer behind this one. */
  readonly persistent: boolean;
  /** Its client wants to go over to another protocol. */
  readonly upgrades: boolean;
  readonly #owner: RequestOwner;
  #gone = false;
  #signal: ClientGone | undefined = undefined;

  constructor(head: RequestHead, body: BodySource | null, owner: RequestOwner) {
    this.method = head.method;
    this.url = head.target;
    this.authority = head.authority;
    this.headers = head.fields;
    this.body = body;
    this.expectsContinue = head.expectsContinue;
    this.kinds = head.kinds;
    this.minor = head.minor;
    this.persistent = head.persistent;
    this.upgrades = head.upgrade !== undefined;
    this.#owner = owner;
  }

  get signal(): GoneSignal {
    this.#signal ??= new ClientGone(this.#gone);
    return this.#signal;
  }

  interim(answer: InterimAnswer): void {
    this.#owner.sendInterim(this, answer);
  }

  /** No answer to it is wanted any more. */
  giveUp(): void {
    this.#gone = true;
    this.#signal?.abort();
  }
}
