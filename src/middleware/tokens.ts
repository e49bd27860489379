import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import { jwk as honoJwk } from "hono/jwk";
import { decode, jwt as honoJwt } from "hono/jwt";
import type { HonoJsonWebKey } from "hono/utils/jwt/jws";
import * as v from "valibot";
import { keywords, list, object, oneOf, words } from "../base/schema/shapes.ts";
import { boolean, headerName, milliseconds, shown, shownText, shownUrl, text, token } from "../base/schema/values.ts";
import { createKeySet } from "./jwks.ts";
import { type Middleware, plugin } from "./plugin.ts";

const ASYMMETRIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] as const;

/** The algorithms of tokens. */
export const JWT_ALGORITHMS = ["HS256", "HS384", "HS512", ...ASYMMETRIC] as const;
/** What signs a token, in words. */
export const JWT_SECRET = "a secret or a public key in PEM, or a text such as ${JWT_SECRET}";
const URI = "a URL such as https://issuer.example.org/.well-known/jwks.json";
const AUDIENCE = "an audience";

/** What a token's claims are held against. */
const verification = object({
  iss: v.optional(shownText("the issuer's name")),
  aud: v.optional(
    oneOf([shownText(AUDIENCE), list(shownText(AUDIENCE), "audiences")], `${AUDIENCE}, or a list of them`),
  ),
  exp: v.optional(boolean, true),
  nbf: v.optional(boolean, true),
  iat: v.optional(boolean, true),
});

const whereFrom = {
  header_name: v.optional(headerName, "authorization"),
  cookie: v.optional(token("a cookie's name")),
  realm: v.optional(shownText("a text")),
  verification: v.optional(verification),
} as const;

type WhereFrom = v.InferOutput<v.ObjectSchema<typeof whereFrom, undefined>>;

const honoOptions = ({ header_name, cookie, realm, verification }: WhereFrom) => ({
  headerName: header_name,
  ...(cookie !== undefined && { cookie }),
  ...(realm !== undefined && { realm }),
  ...(verification && { verification }),
});

const jwtOptions = object({
  secret: text(JWT_SECRET),
  alg: words(JWT_ALGORITHMS),
  ...whereFrom,
});

/** `jwt`: Hono's; a token signed with one known secret or key. */
export const jwt = plugin(jwtOptions, ({ secret, alg, ...rest }) => honoJwt({ secret, alg, ...honoOptions(rest) }));

const KEY = "a JSON Web Key (RFC 7517) such as {kty: RSA, kid: a, n: …, e: AQAB}";

const part = v.optional(shown(v.string(KEY)));

/** The public members of a key (RFC 7517 section 4, RFC 7518 section 6); what else one has may be the private ones. */
const jsonWebKey = v.looseObject(
  {
    kty: shownText(KEY),
    ...{ kid: part, use: part, alg: part, n: part, e: part, crv: part, x: part, y: part, x5t: part, "x5t#S256": part },
    key_ops: v.optional(v.array(shown(v.string(KEY)), KEY)),
    x5c: v.optional(v.array(shown(v.string(KEY)), KEY)),
  },
  KEY,
);

const jwkOptions = v.pipe(
  object({
    jwks_uri: v.optional(v.pipe(shownUrl(v.string(URI)), v.url(URI))),
    keys: v.optional(list(jsonWebKey, "JSON Web Keys")),
    alg: list(words(ASYMMETRIC), `algorithms: ${ASYMMETRIC.join(", ")}`),
    allow_anon: v.optional(boolean, false),
    max_age: v.optional(milliseconds(1000), 300_000),
    ...whereFrom,
  }),
  v.check(
    ({ jwks_uri, keys }) => (jwks_uri === undefined) !== (keys === undefined),
    "a mapping of one of jwks_uri, keys",
  ),
  keywords({ oneOf: [{ required: ["jwks_uri"] }, { required: ["keys"] }] }),
);

/** The token a request has, where Hono looks for it. */
const tokenOf = (c: Context, headerName: string, cookie: string | undefined): string | undefined =>
  c.req.header(headerName)?.split(/\s+/)[1] ?? (cookie === undefined ? undefined : getCookie(c, cookie));

/** The key a token names; undefined where it is not readable, which Hono then refuses. */
function keyIdOf(token: string): string | undefined {
  try {
    return (decode(token).header as { kid?: string }).kid;
  } catch {
    return undefined;
  }
}

/** `jwk`: Hono's; a token signed with a key of a set. `max_age` in milliseconds: how long a set from `jwks_uri` is kept. */
export const jwk = plugin(jwkOptions, ({ jwks_uri, keys, alg, allow_anon, max_age, ...rest }, { fetch, clock }) => {
  const check = (known: HonoJsonWebKey[]): Middleware =>
    honoJwk({ keys: known, alg, allow_anon, ...honoOptions(rest) });
  if (jwks_uri === undefined) return check(keys as HonoJsonWebKey[]);
  const set = createKeySet({ uri: jwks_uri, maxAge: max_age, fetch, clock });
  return async (c, next) => {
    const token = tokenOf(c, rest.header_name, rest.cookie);
    // Not asked for by Hono, which takes a failure for a token that is not valid.
    return check(token === undefined ? [] : await set.keys(keyIdOf(token)))(c, next);
  };
});
