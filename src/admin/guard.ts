import type { Context, MiddlewareHandler } from "hono";
import { timingSafeEqual } from "hono/utils/buffer";
import { responseOf } from "../http/fetch/message.ts";
import { type ProblemCode, type ProblemExtra, problem } from "../http/problem.ts";

/** An answer of the admin API in the form of all the gateway's own. */
export const refusal = (code: ProblemCode, detail: string, extra?: ProblemExtra): Response =>
  responseOf(problem(code, detail, extra));

/** Probes come from a kubelet, which has no token. */
const PROBES: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/** What a person opens in a browser, which can only be asked for a name and a password. */
const isForBrowsers = (path: string): boolean => path === "/" || path.startsWith("/console/");

/**
 * Headers of every answer: nothing of it is kept, guessed at, framed, or read by another site, and a page may load what
 * this address itself serves and nothing else. https://www.w3.org/TR/CSP3/
 */
const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Adds the headers that keep an answer to the one who asked. */
export const secureHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
};

/** `host` without its port. */
const HOST = /^(?:\[(?<ipv6>[0-9a-f:.]+)\]|(?<name>[^:]*))(?::[0-9]*)?$/i;
const IPV4 = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/;

/** Whether a `Host` names an address, or this machine; another name could be one that an attacker's DNS points here. */
function isOwnName(host: string): boolean {
  const { ipv6, name = "" } = HOST.exec(host)?.groups ?? {};
  if (ipv6 !== undefined || IPV4.test(name)) return true;
  return /^(?:.+\.)?localhost\.?$/i.test(name);
}

const hasOwnName = (c: Context): boolean => isOwnName(c.req.header("host") ?? new URL(c.req.url).host);

/**
 * For a listener without a token, which is on loopback: a page of another site must not reach it under a name of its
 * own (DNS rebinding), so only addresses and `localhost` are answered.
 */
export const onlyOwnNames: MiddlewareHandler = async (c, next) => {
  if (PROBES.has(c.req.path) || hasOwnName(c)) return next();
  return refusal("forbidden", "Without a token the admin API answers to addresses and localhost only");
};

/** A password in Basic credentials (RFC 7617), or the token of Bearer ones (RFC 6750); undefined: there is none. */
function sentToken(authorization: string, basic: boolean): string | undefined {
  const [, scheme = "", value = ""] = /^([A-Za-z]+) +(\S+)$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === "bearer") return value;
  if (!basic || scheme.toLowerCase() !== "basic") return undefined;
  try {
    const text = new TextDecoder().decode(Uint8Array.from(atob(value), (one) => one.charCodeAt(0)));
    return text.slice(text.indexOf(":") + 1);
  } catch {
    return undefined;
  }
}

function refuse(c: Context): Response {
  const scheme = isForBrowsers(c.req.path) ? 'Basic realm="podway", charset="UTF-8"' : 'Bearer realm="podway"';
  return refusal("unauthorized", "The admin API wants its token", { headers: { "www-authenticate": scheme } });
}

/**
 * Lets through who knows the token, and the probes. It is compared in constant time. A browser gives it as the password
 * of HTTP Basic (any name), for the console alone: browsers keep those to one origin, port included, where a cookie
 * would go to every port of the host, the gateway's own and so a pod among them.
 */
export function onlyWithToken(token: string): MiddlewareHandler {
  return async (c, next) => (PROBES.has(c.req.path) || (await knows(c, token)) ? next() : refuse(c));
}

async function knows(c: Context, token: string): Promise<boolean> {
  const sent = sentToken(c.req.header("authorization") ?? "", isForBrowsers(c.req.path));
  return sent !== undefined && (await timingSafeEqual(sent, token));
}

/** Whether a request may see more than a probe's yes or no: what any other path would answer it. */
export const mayRead = async (c: Context, token: string | undefined): Promise<boolean> =>
  token === undefined ? hasOwnName(c) : knows(c, token);
