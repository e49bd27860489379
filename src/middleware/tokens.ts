import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import { jwk as honoJwk } from "hono/jwk";
import { decode, jwt as honoJwt } from "hono/jwt";
import type { HonoJsonWebKey } from "hono/utils/jwt/jws";
import * as v from "valibot";
import { key, optional, withDefault } from "../base/schema/key.ts";
import { keywords, list, object, oneOrMany, words } from "../base/schema/shapes.ts";
import { boolean, durationMs, headerName, shown, shownText, shownUrl, text, token } from "../base/schema/values.ts";
import { honoOptions } from "./hono-options.ts";
import { createKeySet } from "./jwks.ts";
import { type Middleware, plugin } from "./plugin.ts";

const ASYMMETRIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] as const;

/** The algorithms of tokens. */
export const JWT_ALGORITHMS = ["HS256", "HS384", "HS512", ...ASYMMETRIC] as const;
/** What signs a token, for messages. */
export const JWT_SECRET = "a secret or a public key in PEM, or a text such as ${JWT_SECRET}";
const URI = "a URL such as https://issuer.example.org/.well-known/jwks.json";

/** What a token's claims must be. */
const verification = object({
  iss: optional(shownText("the issuer's name"), { help: "The issuer that iss must name; by default any." }),
  aud: optional(oneOrMany(shownText("an audience"), "audiences"), {
    help: "The audience that aud must name, or one of these; by default any.",
  }),
  exp: withDefault(boolean, true, { help: "Whether a token is refused from the time exp on." }),
  nbf: withDefault(boolean, true, { help: "Whether a token is refused before the time nbf." }),
  iat: withDefault(boolean, true, { help: "Whether a token is refused whose iat is in the future." }),
});

const whereFrom = {
  header_name: withDefault(headerName, "authorization", {
    help: "The header that the token comes in, as Bearer TOKEN.",
  }),
  cookie: optional(token("a cookie's name"), {
    help: "The cookie that the token comes in where the header is not there; by default none.",
  }),
  realm: optional(shownText("a text"), { help: "The realm of WWW-Authenticate; by default the request's URL." }),
  verification: optional(verification, {
    help: "What the token's claims must be; by default only the times in it count.",
  }),
} as const;

const jwtOptions = object({
  secret: key(text(JWT_SECRET), {
    help: "What it is verified with: the shared secret of an HS algorithm, the public key of the others.",
  }),
  alg: key(words(JWT_ALGORITHMS), { help: "The algorithm it must be signed with." }),
  ...whereFrom,
});

/** `jwt`: Hono's; a token signed with one known secret or key. */
export const jwt = plugin(
  {
    help: "Asks for a token (RFC 7519) signed with one known secret or key; others get 401.",
    options: jwtOptions,
    guards: true,
  },
  (options) => honoJwt(honoOptions(options)),
);

const KEY = "a JSON Web Key (RFC 7517) such as {kty: RSA, kid: a, n: …, e: AQAB}";

const part = v.optional(shown(v.string(KEY)));

/** The public members of a key (RFC 7517 section 4, RFC 7518 section 6); what else one has may be the private ones. */
const jsonWebKey = v.looseObject(
  {
    kty: key(shownText(KEY), { help: "Kind of the key: RSA, EC or OKP." }),
    ...{
      kid: key(part, { help: "The name by which tokens ask for it; a key without one is never found." }),
      use: key(part, { help: "What the key is for: sig." }),
      alg: key(part, { help: "The one algorithm it is for; by default any of alg that fits." }),
      n: key(part, { help: "Modulus of an RSA key, base64url." }),
      e: key(part, { help: "Exponent of an RSA key, base64url." }),
      crv: key(part, { help: "Curve of an EC or OKP key, such as P-256 or Ed25519." }),
      x: key(part, { help: "The x coordinate of an EC key, or an OKP key itself, base64url." }),
      y: key(part, { help: "The y coordinate of an EC key, base64url." }),
      x5t: key(part, { help: "SHA-1 thumbprint of the key's certificate; not used." }),
      "x5t#S256": key(part, { help: "SHA-256 thumbprint of the key's certificate; not used." }),
    },
    key_ops: optional(v.array(shown(v.string(KEY)), KEY), {
      help: "What the key may do; must hold verify where it is given.",
    }),
    x5c: optional(v.array(shown(v.string(KEY)), KEY), { help: "The key's certificates; not used." }),
  },
  KEY,
);

const jwkOptions = v.pipe(
  object({
    jwks_uri: optional(v.pipe(shownUrl(v.string(URI)), v.url(URI)), {
      help: "Where the set is asked for, at the first token and again when it is older than max_age or lacks a key.",
    }),
    keys: optional(list(jsonWebKey, "JSON Web Keys"), { help: "The set itself: public keys." }),
    alg: key(list(words(ASYMMETRIC), `algorithms: ${ASYMMETRIC.join(", ")}`), {
      help: "Algorithms that a token may be signed with.",
    }),
    allow_anon: withDefault(boolean, false, { help: "Whether requests without a token pass." }),
    max_age: withDefault(durationMs(1000), 300_000, {
      help: "Milliseconds that a set from jwks_uri is kept; the last one goes on being used where a new one cannot be had.",
    }),
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

/**
 * `jwk`: Hono's; a token signed with a key of a set. `max_age` in milliseconds: how long a set from `jwks_uri` is
 * cached.
 */
export const jwk = plugin(
  {
    help: "Asks for a token signed with a key of a set (RFC 7517), which its kid names; others get 401. The keys stand in one of jwks_uri, keys.",
    options: jwkOptions,
    guards: true,
  },
  ({ jwks_uri, keys, alg, allow_anon, max_age, ...rest }, { fetch, clock }) => {
    const options = { alg, allow_anon, ...honoOptions(rest) };
    const check = (known: HonoJsonWebKey[]): Middleware => honoJwk({ ...options, keys: known });
    if (jwks_uri === undefined) return check(keys as HonoJsonWebKey[]);
    const set = createKeySet({ uri: jwks_uri, maxAge: max_age, fetch, clock });
    return async (c, next) => {
      const token = tokenOf(c, rest.header_name, rest.cookie);
      // Fetched here and not by Hono, which takes a failure for a token that is not valid.
      return check(token === undefined ? [] : await set.keys(keyIdOf(token)))(c, next);
    };
  },
);
