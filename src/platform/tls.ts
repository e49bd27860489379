/** Trust and identity for TLS as a client. All texts are PEM. */
export interface ClientTls {
  /** False: the server's certificate is not checked. */
  readonly verify: boolean;
  /** Certificates to trust instead of the system's. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name the certificate must hold, where it is not the URL's host. */
  readonly serverName?: string | undefined;
}

/** A certificate to serve with. */
export interface ServerCertificate {
  /** The chain in PEM, the server's own first. */
  readonly cert: string;
  /** Its key in PEM. */
  readonly key: string;
  /** Host names it is for, lower case; `*.` in front stands for one label. */
  readonly names: readonly string[];
}

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** Its DNS names, lower case. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** Why a certificate and its key cannot be used; `why` goes on after the name of the file. */
export interface CertificateFault {
  readonly fault: "cert" | "key";
  readonly why: string;
}

/** Reads a certificate chain and its key, both in PEM: what they are good for, or which of them cannot be used. */
export type InspectCertificate = (cert: string, key: string) => CertificateFacts | CertificateFault;
