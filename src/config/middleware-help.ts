import { TEMPLATE_PARTS } from "../routing/template.ts";

/** The options of one middleware by their place in it; `""` is what the middleware itself is for. */
type OptionsHelp = Readonly<Record<string, string>> & { readonly "": string };

/** How one that refuses answers. */
const REFUSAL = {
  status: "The status of a refusal.",
  message: "The detail of the problem answer of a refusal; by default a sentence of the gateway's own.",
};

/** Whom one that counts counts for. */
const COUNT = {
  key: "Whose requests are counted together: those of one client_ip (IPv6 by its /64), all, those of one consumer, host, path or method (host and path however they are spelled); a list counts for all of its parts together. A request that lacks one of them goes by its client's address instead.",
  "key.header": "By the value of this header.",
  "key.query": "By the value of this query parameter.",
  "key.cookie": "By the value of this cookie.",
  group:
    "Routes with the same group share one count, and their other options must be the same; by default each entry counts by itself.",
  ...REFUSAL,
};

/** Where a token is looked for and what it must say. */
const TOKEN = {
  header_name: "The header that the token comes in, as Bearer TOKEN.",
  cookie: "The cookie that the token comes in where the header is not there; by default none.",
  realm: "The realm of WWW-Authenticate; by default the request's URL.",
  verification: "What the token's claims must be; by default only the times in it count.",
  "verification.iss": "The issuer that iss must name; by default any.",
  "verification.aud": "The audience that aud must name, or one of these; by default any.",
  "verification.exp": "Whether a token is refused from the time exp on.",
  "verification.nbf": "Whether a token is refused before the time nbf.",
  "verification.iat": "Whether a token is refused whose iat is in the future.",
};

const HIDE = "Whether the credentials are taken out of the request, so that the upstream does not see them.";
const CONSUMER_HEADER =
  "The header in which the upstream gets the consumer's name, whatever the client sent there; false: none.";

/** A header of `secure_headers`. */
const secure = (header: string, value: string): string =>
  `The ${header} header. true: ${value}. false: the gateway adds none.`;

const HELP: Readonly<Record<string, OptionsHelp>> = {
  basic_auth: {
    "": "Asks for user name and password (RFC 7617): one user, or several in users. Others get 401.",
    username: "The name of the one user; password stands beside it.",
    password: "That user's password.",
    users: "Several users, each with a password.",
    "users[].username": "The user's name.",
    "users[].password": "The user's password.",
    "users[].consumer": "The consumer that this user is; by default one of the user's name.",
    realm: "The realm of WWW-Authenticate, which browsers show.",
    hide_credentials: HIDE,
    consumer_header:
      "The header in which the upstream gets the consumer's name, whatever the client sent there; by default none.",
  },
  bearer_auth: {
    "": "Asks for one of these tokens (RFC 6750). Others get 401, and 400 where the header is not well formed.",
    token: "The token that is let in, or several.",
    realm: "The realm of WWW-Authenticate; by default an empty one.",
    prefix: "What stands before the token in the header; empty: the header is the token alone.",
    header_name: "The header that the token comes in.",
  },
  body_limit: {
    "": "The largest body of a request; more is a 413. Beside server.limits.body_bytes the smaller one counts.",
    max_size: "Bytes.",
  },
  cache_control: {
    "": "Says how long answers may be kept by clients and caches. The gateway itself keeps none.",
    value: "The Cache-Control header, where the upstream sent none.",
    vary: "Header names that are added to Vary; by default none.",
    overwrite: "Whether value stands in place of the upstream's own Cache-Control too.",
    statuses: "Which answers get it.",
  },
  compress: {
    "": "Compresses text-like answers for clients that take it; what is encoded already, and event streams, pass as they are.",
    encoding: "The only encoding; by default gzip, else deflate, as the client prefers.",
    threshold: "Bytes of Content-Length below which an answer is not compressed; one of unknown length is.",
  },
  concurrency_limit: {
    "": "How many requests may be under way at a time, counted in this process; more are refused. A request counts until its answer is complete, a WebSocket until it is open.",
    limit: "Requests at a time.",
    ...COUNT,
  },
  consumer_restriction: {
    "": "Which consumers may pass, known by an earlier key_auth, jwt_auth or basic_auth; a request without one gets 401.",
    allow_list: "Only these may pass; by default all.",
    deny_list: "These may not pass, allow_list or not; by default none.",
    ...REFUSAL,
  },
  cors: {
    "": "Cross-origin requests (CORS); answers preflight requests itself with 204.",
    origin: "Origins whose pages may read answers: one, several, or *, which is all.",
    "origin.regex": "Found in the origin as a whole.",
    allow_methods: "Methods that a preflight request is allowed.",
    allow_headers: "Request headers that a preflight request is allowed; by default those that it asks for.",
    expose_headers: "Headers of answers that pages may read beside the usual ones; by default none.",
    max_age: "Seconds that browsers may keep the answer to a preflight request; by default each browser's own time.",
    credentials: "Whether requests may come with cookies and the like; needs an origin other than *.",
  },
  csrf: {
    "": "Refuses forms sent from other origins with 403: a request with a form's content type, other than GET, HEAD and OPTIONS, needs a right Origin or a right Sec-Fetch-Site.",
    origin: "Origins that forms may come from; by default the request's own, by its Host.",
    sec_fetch_site: "Values of Sec-Fetch-Site that forms may come with.",
  },
  etag: {
    "": "Gives answers without an ETag one, made of their body, and answers 304 to a client that has it already.",
    weak: "Whether the ETags made here are weak (W/).",
    max_size: "Bytes up to which an answer gets one; one of unknown length gets none.",
    retained_headers:
      "Headers that a 304 keeps beside those that HTTP wants there: Cache-Control, Content-Location, Date, ETag, Expires and Vary.",
  },
  https_redirect: {
    "": "Redirects plain HTTP to https: 301 for GET and HEAD, else 308. How a client came a trusted proxy's X-Forwarded-Proto tells.",
    port: "The port of https, left out of the Location where it is 443.",
  },
  ip_restriction: {
    "": "Which clients are let in, by their address as server.trusted_proxies tell it; others get 403.",
    allow_list: "Only these are let in; by default all.",
    deny_list: "These are not let in, allow_list or not; by default none.",
  },
  jwk: {
    "": "Asks for a token signed with a key of a set (RFC 7517), which its kid names; others get 401. The keys stand in one of jwks_uri, keys.",
    jwks_uri: "Where the set is asked for, at the first token and again when it is older than max_age or lacks a key.",
    keys: "The set itself: public keys.",
    "keys[].kty": "Kind of the key: RSA, EC or OKP.",
    "keys[].kid": "The name by which tokens ask for it; a key without one is never found.",
    "keys[].use": "What the key is for: sig.",
    "keys[].alg": "The one algorithm it is for; by default any of alg that fits.",
    "keys[].n": "Modulus of an RSA key, base64url.",
    "keys[].e": "Exponent of an RSA key, base64url.",
    "keys[].crv": "Curve of an EC or OKP key, such as P-256 or Ed25519.",
    "keys[].x": "The x coordinate of an EC key, or an OKP key itself, base64url.",
    "keys[].y": "The y coordinate of an EC key, base64url.",
    "keys[].x5t": "SHA-1 thumbprint of the key's certificate; not used.",
    "keys[].x5t#S256": "SHA-256 thumbprint of the key's certificate; not used.",
    "keys[].key_ops": "What the key may do; must hold verify where it is given.",
    "keys[].x5c": "The key's certificates; not used.",
    alg: "Algorithms that a token may be signed with.",
    allow_anon: "Whether requests without a token pass.",
    max_age:
      "Milliseconds that a set from jwks_uri is kept; the last one goes on being used where a new one cannot be had.",
    ...TOKEN,
  },
  jwt: {
    "": "Asks for a token (RFC 7519) signed with one known secret or key; others get 401.",
    secret: "What it is verified with: the shared secret of an HS algorithm, the public key of the others.",
    alg: "The algorithm it must be signed with.",
    ...TOKEN,
  },
  jwt_auth: {
    "": "Asks for a token signed with the secret or key of one of the consumers; others get 401. Its times (exp, nbf, iat) count.",
    header: "The header that the token comes in, with or without Bearer before it.",
    query: "The query parameter that it comes in where the header is not there; by default none.",
    cookie: "The cookie that it comes in where the others are not there; by default none.",
    key_claim: "The claim that names the consumer's key.",
    hide_credentials: HIDE,
    consumers: "Who is let in.",
    "consumers[].name": "The consumer's name, for later middleware, the access log and the upstream.",
    "consumers[].key": "What the claim key_claim says in this consumer's tokens.",
    "consumers[].secret":
      "What this consumer's tokens are verified with: the shared secret of an HS algorithm, the public key of the others.",
    "consumers[].alg": "The algorithm that this consumer's tokens must be signed with.",
    consumer_header: CONSUMER_HEADER,
  },
  key_auth: {
    "": "Asks for the key of one of the consumers; others get 401.",
    header: "The header that the key comes in.",
    query: "The query parameter that it comes in where the header is not there; by default none.",
    hide_credentials: HIDE,
    consumers: "Who is let in.",
    "consumers[].name": "The consumer's name, for later middleware, the access log and the upstream.",
    "consumers[].key": "The key that this consumer sends.",
    consumer_header: CONSUMER_HEADER,
  },
  rate_limit: {
    "": "How many requests one client may send, counted in this process; more are refused with Retry-After.",
    limit: "Requests in a window.",
    window: "Length of a window, which begins with the first request.",
    ...COUNT,
    exempt: "Values of the key that are not counted, such as a client's address; by default none.",
    headers:
      "Which headers tell clients what is left. draft-6: RateLimit-Policy, -Limit, -Remaining and -Reset. draft-7: RateLimit-Policy and RateLimit. x-ratelimit: X-RateLimit-Limit, -Remaining and -Reset. false: none.",
  },
  replace_headers: {
    "": "Puts a text in the place of another one, wherever it stands in a header of the request or the answer. A header that is not there is not made.",
    request: "Headers that the upstream gets; by default none.",
    "request{}.find": "What is replaced, everywhere it stands; a text as it is, no regular expression.",
    "request{}.with": "What stands in its place.",
    response: "Headers that the client gets; by default none.",
    "response{}.find": "What is replaced, everywhere it stands; a text as it is, no regular expression.",
    "response{}.with": "What stands in its place.",
  },
  request_id: {
    "": "Gives every request an id, for the upstream, the client and the access log. A client's own is kept where it is of letters, digits and _ - = alone and not too long.",
    header_name: "The header that the id stands in.",
    limit_length: "Characters that a client's own id may have; a longer one is replaced.",
  },
  secure_headers: {
    "": "Adds security headers to answers.",
    cross_origin_embedder_policy: secure("Cross-Origin-Embedder-Policy", "require-corp"),
    cross_origin_resource_policy: secure("Cross-Origin-Resource-Policy", "same-origin"),
    cross_origin_opener_policy: secure("Cross-Origin-Opener-Policy", "same-origin"),
    origin_agent_cluster: secure("Origin-Agent-Cluster", "?1"),
    referrer_policy: secure("Referrer-Policy", "no-referrer"),
    strict_transport_security: secure("Strict-Transport-Security", "max-age=15552000; includeSubDomains"),
    x_content_type_options: secure("X-Content-Type-Options", "nosniff"),
    x_dns_prefetch_control: secure("X-DNS-Prefetch-Control", "off"),
    x_download_options: secure("X-Download-Options", "noopen"),
    x_frame_options: secure("X-Frame-Options", "SAMEORIGIN"),
    x_permitted_cross_domain_policies: secure("X-Permitted-Cross-Domain-Policies", "none"),
    x_xss_protection: secure("X-XSS-Protection", "0"),
    remove_powered_by: "Whether X-Powered-By is taken out of answers.",
    overwrite: "Whether these headers stand in place of the upstream's own; false: where it sent one, that stays.",
    content_security_policy:
      "The Content-Security-Policy header, by its directives: default_src and default-src are the same one. By default none.",
    content_security_policy_report_only:
      "The Content-Security-Policy-Report-Only header, by its directives. By default none.",
    permissions_policy:
      "The Permissions-Policy header, by its features. true: all origins, false: none, a list: these, self among them. By default none.",
    reporting_endpoints: "The Reporting-Endpoints header; by default none.",
    "reporting_endpoints[].name": "What report-to of a policy calls it.",
    "reporting_endpoints[].url": "Where browsers send reports.",
    report_to: "The Report-To header, for older browsers; by default none.",
    "report_to[].group": "What report-to of a policy calls it.",
    "report_to[].max_age": "Seconds that browsers keep it.",
    "report_to[].endpoints": "Where browsers send reports.",
    "report_to[].endpoints[].url": "The URL of one.",
  },
  set_headers: {
    "": `Headers for the upstream, made of parts of the request: ${TEMPLATE_PARTS}. A value made only of parts that the request does not have makes none.`,
  },
  set_method: {
    "": "Changes the method that the upstream gets. GET and HEAD go without the request's body.",
    method: "That method.",
  },
  throttle: {
    "": "Slows requests down to a rate, and refuses what exceeds a burst (a leaky bucket), counted in this process.",
    rate: "Requests a second that pass.",
    burst: "Requests beyond the rate that are taken before more are refused.",
    delay: "Whether those of a burst wait for their turn; false: they pass at once.",
    ...COUNT,
  },
  timeout: {
    "": "How long the answer's headers may take, with the middleware behind this one; then it is a 504.",
    duration: "That time.",
  },
  use: { "": "A middleware of your own: a module whose default export makes a Hono middleware of options." },
  options: { "": "Handed to the module that use names; any value, by default none." },
};

/** What every middleware and every option of one is for, by its place as in `HELP` of help.ts. */
export const MIDDLEWARE_HELP: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(HELP).flatMap(([name, options]) =>
    Object.entries(options).map(([option, help]) => [
      option === "" ? `middleware.${name}` : `middleware.${name}.${option}`,
      help,
    ]),
  ),
);
