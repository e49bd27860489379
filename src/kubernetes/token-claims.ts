/** What a token says of itself. It is not verified: good for showing, never for deciding. */
export interface TokenClaims {
  /** `system:serviceaccount:NAMESPACE:NAME` for a service account's. */
  readonly subject: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expires: number | undefined;
}

/** Reads the claims of a JSON Web Token (RFC 7519) out of an `Authorization` header; undefined: it holds none. */
export function tokenClaims(authorization: string | undefined): TokenClaims | undefined {
  const payload = /^Bearer [^.]+\.([A-Za-z0-9_-]+)\.[^.]*$/.exec(authorization ?? "")?.[1];
  if (payload === undefined) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(payload, { alphabet: "base64url" });
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const { sub, exp } = Object(claims) as { sub?: unknown; exp?: unknown };
    return {
      subject: typeof sub === "string" ? sub : undefined,
      expires: typeof exp === "number" ? exp * 1000 : undefined,
    };
  } catch {
    return undefined;
  }
}
