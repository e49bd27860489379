/** One entry of `middleware:` for each name, as it stands in a config file. */
export const MIDDLEWARE_EXAMPLES: Readonly<Record<string, string>> = {
  basic_auth: `
- basic_auth:
    users:
      - { username: alice, password: "\${ALICE_PASSWORD}" }
      - { username: bob, password: "\${BOB_PASSWORD}", consumer: partner }
    hide_credentials: true
    consumer_header: x-consumer-username`,
  bearer_auth: `
- bearer_auth: { token: ["\${API_TOKEN}", "\${OLD_API_TOKEN}"] }`,
  body_limit: `
- body_limit: { max_size: 1048576 } # 1 MiB`,
  cache_control: `
- cache_control: { value: "public, max-age=60", vary: [accept-language], statuses: [200, 404] }`,
  compress: `
- compress: { threshold: 2048 }`,
  concurrency_limit: `
- concurrency_limit: { limit: 10, key: consumer, status: 503, message: Too many requests at a time }`,
  consumer_restriction: `
- consumer_restriction: { allow_list: [mobile, partner] } # behind a key_auth, jwt_auth or basic_auth`,
  cors: `
- cors:
    origin: ["https://app.example.org", "https://admin.example.org"] # or {regex: "https://[a-z]+\\\\.example\\\\.org"}
    allow_methods: [GET, POST]
    allow_headers: [content-type, x-api-key]
    expose_headers: [x-request-id]
    max_age: 600
    credentials: true`,
  csrf: `
- csrf: { origin: "https://app.example.org", sec_fetch_site: [same-origin, same-site] }`,
  etag: `
- etag: { max_size: 65536, retained_headers: [x-request-id] }`,
  https_redirect: `
- https_redirect: { port: 8443 }`,
  ip_restriction: `
- ip_restriction: { allow_list: [10.0.0.0/8, "2001:db8::/32"], deny_list: [10.0.0.66] }`,
  jwk: `
- jwk:
    jwks_uri: https://issuer.example.org/.well-known/jwks.json
    alg: [RS256, ES256]
    verification: { iss: "https://issuer.example.org", aud: shop }`,
  jwt: `
- jwt: { secret: "\${JWT_SECRET}", alg: HS256, cookie: session, verification: { iss: shop } }`,
  jwt_auth: `
- jwt_auth:
    consumers:
      - { name: mobile, key: mobile-1, secret: "\${MOBILE_SECRET}" }
      - { name: partner, key: partner-1, secret: "\${PARTNER_PUBLIC_KEY}", alg: RS256 }
    key_claim: iss
    hide_credentials: true`,
  key_auth: `
- key_auth:
    query: apikey
    consumers: [{ name: mobile, key: "\${MOBILE_KEY}" }, { name: partner, key: "\${PARTNER_KEY}" }]
    hide_credentials: true`,
  rate_limit: `
- rate_limit:
    limit: 100
    window: 60000
    key: [consumer, { header: x-tenant }]
    exempt: [10.0.0.7]
    headers: x-ratelimit`,
  replace_headers: `
- replace_headers:
    response: { location: { find: "http://app.internal/", with: "https://app.example.org/" } }`,
  request_id: `
- request_id: { header_name: x-correlation-id }`,
  secure_headers: `
- secure_headers:
    x_frame_options: DENY
    referrer_policy: strict-origin-when-cross-origin
    x_xss_protection: false
    content_security_policy: { default_src: ["'self'"], img_src: ["'self'", "https://img.example.org"], report_to: main }
    permissions_policy: { camera: false, geolocation: [self] }
    reporting_endpoints: [{ name: main, url: "https://reports.example.org/csp" }]`,
  set_headers: `
- set_headers: { x-original-uri: "{uri}", x-tenant: ["{header.x-tenant}", "{query.tenant}"] }`,
  set_method: `
- set_method: { method: POST }`,
  throttle: `
- throttle: { rate: 20, burst: 10, key: { cookie: session }, group: shop }`,
  timeout: `
- timeout: { duration: 5000 }`,
  use: `
- use: ./tenant.ts
  options: { header: x-tenant }`,
};
