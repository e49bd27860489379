import { requestOf, responseOf } from "../http/fetch/message.ts";
import { type Fields, type HeaderFields, headersOf, linesOf } from "../http/header-fields.ts";
import type { ClientRequest, HttpAnswer } from "../http/message.ts";
import type { IncomingRequest } from "../http/request.ts";
import { UpstreamError } from "../http/upstream-error.ts";

/** Values by names in lower case. */
type Snapshot = ReadonlyMap<string, string>;

/** The value of a field, each line of it where lines are not to be joined. */
const fieldValue = (headers: Headers, name: string): string =>
  name === "set-cookie" ? headers.getSetCookie().join("\n") : headers.get(name)!;

function snapshotOf(headers: Headers): Snapshot {
  const values = new Map<string, string>();
  for (const name of headers.keys()) values.set(name, fieldValue(headers, name));
  return values;
}

/** Brings what was changed between `before` and `after` into the fields: what was not keeps its lines, order and letters. */
function bringChanges(fields: Fields, before: Snapshot, after: Headers): void {
  for (const name of before.keys()) if (!after.has(name)) fields.delete(name);
  for (const name of new Set(after.keys())) {
    const value = fieldValue(after, name);
    if (before.get(name) === value) continue;
    if (name !== "set-cookie") {
      fields.set(name, value);
      continue;
    }
    fields.delete(name);
    for (const line of after.getSetCookie()) fields.append(name, line);
  }
}

type Stream = ReadableStream<Uint8Array> | null;

/** Whether a message still has the body it was made with, and none of it was read. */
const isUntouched = (message: Request | Response, body: Stream): boolean =>
  message.body === body && !message.bodyUsed && body?.locked !== true;

/** Scheme and authority of a URL for a request, which may have named no host, or one that is none in a URL. */
function originOf({ scheme, authority }: IncomingRequest): string {
  const origin = `${scheme}://${authority}`;
  return authority !== "" && URL.canParse(origin) ? origin : `${scheme}://localhost`;
}

/** A client's request as middleware have it. */
export class CarriedRequest {
  /** What middleware are given. */
  readonly request: Request;
  readonly #sent: ClientRequest;
  readonly #fields: HeaderFields;
  readonly #before: Snapshot;
  readonly #body: Stream;

  constructor(sent: ClientRequest, facts: IncomingRequest) {
    this.#sent = sent;
    this.#fields = facts.headers;
    this.request =
      sent instanceof Request
        ? new Request(sent, { headers: headersOf(facts.headers) })
        : requestOf(
            {
              method: sent.method,
              url: facts.path + facts.search,
              headers: facts.headers,
              body: sent.body,
              signal: sent.signal,
              expectsContinue: sent.expectsContinue,
              interim: (answer) => sent.interim?.(answer),
            },
            originOf(facts),
          );
    this.#before = snapshotOf(this.request.headers);
    this.#body = this.request.body;
  }

  /** The fields as middleware left them in `request`, which may be another than they were given. */
  fields(request: Request): Fields {
    const fields = linesOf(this.#fields);
    bringChanges(fields, this.#before, request.headers);
    return fields;
  }

  /** The request to pass on with these facts; `request` is what middleware left. */
  passedOn(request: Request, { method, headers }: IncomingRequest): ClientRequest {
    const sent = this.#sent;
    const own = request === this.request && isUntouched(request, this.#body) && !(sent instanceof Request);
    const changed = method !== request.method && (method === "GET" || method === "HEAD");
    const body: ClientRequest["body"] = changed ? null : own ? sent.body : request.body;
    return {
      method,
      url: sent.url,
      headers,
      body,
      signal: sent.signal,
      expectsContinue: own && sent.expectsContinue,
      interim: (answer) => sent.interim?.(answer),
    };
  }
}

/** A pod's answer as middleware have it. */
export class CarriedAnswer {
  /** What middleware are given: its headers can be changed. */
  readonly response: Response;
  readonly #answer: HttpAnswer;
  readonly #before: Snapshot;
  readonly #body: Stream;

  /** Throws `UpstreamError` for what is no answer of the fetch standard's. */
  constructor(answer: HttpAnswer) {
    this.#answer = answer;
    try {
      const made = responseOf(answer);
      this.response = made === answer ? new Response(made.body, made) : made;
    } catch (cause) {
      throw new UpstreamError("invalid", "a header field of it is not HTTP's", { cause });
    }
    this.#before = snapshotOf(this.response.headers);
    this.#body = this.response.body;
  }

  /** The answer as middleware left it. */
  changed(made: Response): HttpAnswer {
    const { status, statusText, headers, body } = this.#answer;
    const fields = linesOf(headers);
    bringChanges(fields, this.#before, made.headers);
    const untouched = this.#body !== null && isUntouched(made, this.#body);
    return {
      status: made.status,
      statusText: made.status === status ? statusText : made.statusText,
      headers: fields,
      body: untouched ? body : made.body,
    };
  }
}
