import { createPrivateKey, X509Certificate } from "node:crypto";
import type { CertificateFacts, CertificateFault } from "../tls.ts";

/** Reads a certificate chain and its key, both in PEM, and says what they are good for, or which of them is not. */
export function inspectCertificate(cert: string, key: string): CertificateFacts | CertificateFault {
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(cert);
  } catch {
    return { fault: "cert", why: "holds no certificate in PEM" };
  }
  let secret: ReturnType<typeof createPrivateKey>;
  try {
    secret = createPrivateKey(key);
  } catch {
    return { fault: "key", why: "holds no private key in PEM that can be read without a pass phrase" };
  }
  if (!leaf.checkPrivateKey(secret)) return { fault: "key", why: "is not the key of the certificate" };
  const names = [...(leaf.subjectAltName ?? "").matchAll(/DNS:([^,\s]+)/g)].map((match) => match[1]!.toLowerCase());
  return { names, expires: Date.parse(leaf.validTo) };
}
