import { isAddress, type SocketAddress } from "../../base/addresses.ts";
import { hostOf } from "../../http/authority.ts";
import { type BadRequest, type IncomingRequest, type ParseOptions, parseRequest } from "../../http/request.ts";

/** The request that is asked about, as it came: nothing of it is checked yet. */
export interface ExplainQuery {
  readonly method: string;
  /** With a host, or from its path on. */
  readonly url: string;
  /** `name: value` each. */
  readonly headers: readonly string[];
  /** The address the request comes from; left out: loopback. */
  readonly client?: string | undefined;
}

/** A question that is not about a request: why. */
export class ExplainQueryError extends Error {
  override name = "ExplainQueryError";
}

/** The question as a request that reached the gateway, and what reading it came to. */
export interface Question {
  readonly facts: IncomingRequest;
  /** Why the gateway does not even look for a route. */
  readonly refused: BadRequest | undefined;
  readonly headerNames: readonly string[];
}

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

function readHeaders(lines: readonly string[]): Headers {
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim();
    // The line itself is not shown: it may be the value alone, and a secret.
    if (colon < 1 || !TOKEN.test(name)) throw new ExplainQueryError('a header is written "name: value"');
    try {
      headers.append(name, line.slice(colon + 1).trim());
    } catch {
      throw new ExplainQueryError(`the value of header ${name} has characters that no header has`);
    }
  }
  return headers;
}

/** What is read of a gateway's listener. */
export interface OwnListener {
  readonly listen: SocketAddress;
  /** Undefined: it speaks plain HTTP. */
  readonly tls?: unknown;
}

/** Where the gateway listens, for a request that names no host. */
function ownAuthority({ listen }: OwnListener): string {
  const { host, port } = listen;
  const named = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `${named.includes(":") ? `[${named}]` : named}${port === 0 ? "" : `:${port}`}`;
}

const SCHEME = /^(https?):\/\//i;

/**
 * Reads a question the way a request is read. The URL is taken as a client would send it, and as the runtime's server
 * would then hand it over: dot segments resolved, what a URL must not hold escaped, no fragment.
 *
 * @throws {ExplainQueryError}
 */
export function readQuestion(query: ExplainQuery, server: OwnListener, options: ParseOptions): Question {
  const { method, client = "127.0.0.1" } = query;
  if (!isAddress(client)) throw new ExplainQueryError("the client is an IP address, such as 10.1.2.3");
  if (!TOKEN.test(method)) throw new ExplainQueryError("the method is not one, such as GET");
  const headers = readHeaders(query.headers);
  const named = SCHEME.exec(query.url)?.[1]?.toLowerCase() as "http" | "https" | undefined;
  const scheme = named ?? (server.tls === undefined ? "http" : "https");
  const rest = query.url.replace(SCHEME, "");
  if (named === undefined && !rest.startsWith("/")) {
    throw new ExplainQueryError("the URL begins with http://, https:// or, without a host, with /");
  }
  const own = ownAuthority(server);
  const text = named === undefined ? `${scheme}://${own}${rest}` : `${scheme}://${rest}`;
  if (!URL.canParse(text)) throw new ExplainQueryError("the URL is not one");
  const url = new URL(text);
  if (!headers.has("host")) headers.set("host", url.host);
  const target = `${url.pathname}${url.search}`;
  const authority = headers.get("host") ?? "";
  // As a request in origin-form, whose only authority is the Host field's.
  const asked = { method, url: `${scheme}://${hostOf(authority) === null ? url.host : authority}${target}`, headers };
  const headerNames = [...headers.keys()];
  const port = String(server.listen.port);
  // Reading takes out what a stranger may not send; this came from no peer, so there is none to warn of.
  const facts = parseRequest(asked, client, scheme, { ...options, onUntrusted: undefined }, port);
  if (!("problem" in facts)) return { facts, refused: undefined, headerNames };
  const { hostname: host, pathname: path, search } = url;
  const unread = { method, scheme, host, port, authority, path, search, headers, peer: client, client };
  return { facts: { ...unread, started: options.clock.now() }, refused: facts, headerNames };
}
