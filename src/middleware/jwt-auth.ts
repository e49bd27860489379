import type { Context } from "hono";
import { decode, verify } from "hono/jwt";
import * as v from "valibot";
import { queryValue } from "../balancing/request-key.ts";
import { key, optional, withDefault } from "../base/schema/key.ts";
import { list, object, words } from "../base/schema/shapes.ts";
import { credentialParameter, headerName, nonEmpty, text, token } from "../base/schema/values.ts";
import { cookieValue } from "../http/cookie.ts";
import { consumerHeader, consumerName, hideCredentials, identify, withoutParameter } from "./consumers.ts";
import { type MiddlewareEnv, plugin } from "./plugin.ts";
import { reject } from "./rejection.ts";
import { JWT_ALGORITHMS, JWT_SECRET } from "./tokens.ts";

const options = v.pipe(
  object({
    header: withDefault(headerName, "authorization", {
      help: "The header that the token comes in, with or without Bearer before it.",
    }),
    query: optional(credentialParameter("the name of a query parameter"), {
      help: "The query parameter that it comes in where the header is not there; by default none.",
    }),
    cookie: optional(token("a cookie's name"), {
      help: "The cookie that it comes in where the others are not there; by default none.",
    }),
    key_claim: withDefault(nonEmpty, "key", { help: "The claim that names the consumer's key." }),
    hide_credentials: hideCredentials,
    consumers: key(
      list(
        object({
          name: key(consumerName, {
            help: "The consumer's name, for later middleware, the access log and the upstream.",
          }),
          key: key(text("what the token's key claim says"), {
            help: "What the claim key_claim says in this consumer's tokens.",
          }),
          secret: key(text(JWT_SECRET), {
            help: "What this consumer's tokens are verified with: the shared secret of an HS algorithm, the public key of the others.",
          }),
          alg: withDefault(words(JWT_ALGORITHMS), "HS256", {
            help: "The algorithm that this consumer's tokens must be signed with.",
          }),
        }),
        "consumers",
      ),
      { help: "Who is let in." },
    ),
    consumer_header: consumerHeader,
  }),
  v.check(
    ({ consumers }) => new Set(consumers.map(({ key }) => key)).size === consumers.length,
    "a mapping whose consumers have each a key of their own",
  ),
);

/** A token and how the request is without it. */
interface Found {
  readonly token: string;
  hide(): void;
}

/** The first token of header, parameter and cookie, in that order. */
function findToken(
  c: Context<MiddlewareEnv>,
  { header, query, cookie }: v.InferOutput<typeof options>,
): Found | undefined {
  const { headers, search } = c.env.facts;
  const inHeader = headers.get(header);
  if (inHeader !== null) {
    return {
      token: inHeader.replace(/^Bearer\s+/i, ""),
      hide: () => void c.env.upstreamHeaders.push([header, undefined]),
    };
  }
  const inQuery = query === undefined ? undefined : queryValue(search, query);
  if (inQuery !== undefined) {
    return {
      token: inQuery,
      hide: () => {
        c.env.search = withoutParameter(search, query!);
      },
    };
  }
  const inCookie = cookie === undefined ? undefined : cookieValue(headers, cookie);
  if (inCookie === undefined) return undefined;
  return {
    token: inCookie,
    hide: () => {
      const rest = headers
        .get("cookie")!
        .split(";")
        .filter((pair) => pair.trim().split("=", 1)[0] !== cookie)
        .join(";")
        .trim();
      c.env.upstreamHeaders.push(["cookie", rest === "" ? undefined : rest]);
    },
  };
}

/**
 * `jwt_auth`: lets in who sends a token that one of the consumers signed: its claim `key_claim` names the consumer's
 * `key`, whose `secret` and `alg` it is verified with, its times too. The upstream is told the consumer's name.
 */
export const jwt_auth = plugin(
  {
    help: "Asks for a token signed with the secret or key of one of the consumers; others get 401. Its times (exp, nbf, iat) count.",
    options,
    guards: true,
  },
  (given) => {
    const byKey = new Map(given.consumers.map((consumer) => [consumer.key, consumer]));
    return async (c, next) => {
      const found = findToken(c, given);
      if (found === undefined) {
        return reject(c, {
          code: "unauthorized",
          detail: "The request has no token",
          headers: { "www-authenticate": "Bearer" },
        });
      }
      let name: string | undefined;
      try {
        const { payload } = decode(found.token);
        const consumer = byKey.get(String(payload[given.key_claim]));
        if (consumer !== undefined) {
          await verify(found.token, consumer.secret, { alg: consumer.alg });
          name = consumer.name;
        }
      } catch {
        // Whatever is wrong with a token, its sender learns no more than that it is not valid.
      }
      if (name === undefined) {
        return reject(c, {
          code: "unauthorized",
          detail: "The request's token is not valid",
          headers: { "www-authenticate": 'Bearer error="invalid_token"' },
        });
      }
      identify(c, name, given.consumer_header);
      if (given.hide_credentials) found.hide();
      await next();
    };
  },
);
