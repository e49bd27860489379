import { decode, verify } from "hono/jwt";
import * as v from "valibot";
import { key, optional, withDefault } from "../base/schema/key.ts";
import { object, words } from "../base/schema/shapes.ts";
import { credentialParameter, headerName, nonEmpty, text, token } from "../base/schema/values.ts";
import { consumerHeader, consumersKnownBy, differentKeys, hideCredentials, identify } from "./consumers.ts";
import { findCredential, hideCredential } from "./credentials.ts";
import { plugin } from "./plugin.ts";
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
    consumers: consumersKnownBy({
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
    consumer_header: consumerHeader,
  }),
  differentKeys(),
);

/**
 * `jwt_auth`: lets in clients with a token that one of the consumers signed: its claim `key_claim` names the consumer's
 * `key`, whose `secret` and `alg` it is verified with, its times too. The upstream gets the consumer's name.
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
      const found = findCredential(c.env, given);
      if (found === undefined) {
        return reject(c, {
          code: "unauthorized",
          detail: "The request has no token",
          headers: { "www-authenticate": "Bearer" },
        });
      }
      const token = found.place === "header" ? found.value.replace(/^Bearer\s+/i, "") : found.value;
      let name: string | undefined;
      try {
        const { payload } = decode(token);
        const consumer = byKey.get(String(payload[given.key_claim]));
        if (consumer !== undefined) {
          await verify(token, consumer.secret, { alg: consumer.alg });
          name = consumer.name;
        }
      } catch {
        // Whatever is wrong with a token, its sender learns only that it is not valid.
      }
      if (name === undefined) {
        return reject(c, {
          code: "unauthorized",
          detail: "The request's token is not valid",
          headers: { "www-authenticate": 'Bearer error="invalid_token"' },
        });
      }
      identify(c, name, given.consumer_header);
      if (given.hide_credentials) hideCredential(c.env, given, found.place);
      await next();
    };
  },
);
