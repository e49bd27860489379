/** Where an apiserver is, and how it proves that it is the one. */
export interface ServiceOptions {
  readonly schema: "https" | "http";
  /** IPv4, IPv6 or a name; `serverUrl` refuses a service without one. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** False: its certificate is not checked. */
  readonly ssl_verify: boolean;
  readonly ca_file?: string | undefined;
  /** The name the certificate must hold, where it is not the host. */
  readonly server_name?: string | undefined;
  /** The URL of a forward proxy. */
  readonly proxy?: string | undefined;
}

/** Who the client is: a token, a client certificate, or what a kubeconfig says. */
export interface ClientOptions {
  readonly token?: string | undefined;
  readonly token_file?: string | undefined;
  readonly cert_file?: string | undefined;
  readonly key_file?: string | undefined;
  /** A path, or several as KUBECONFIG lists them. */
  readonly kubeconfig?: string | undefined;
  /** @default the kubeconfig's `current-context` */
  readonly context?: string | undefined;
}

/** How one apiserver is reached. The names are APISIX's. */
export interface ApiserverAccess {
  /**
   * Beside `client.kubeconfig`: only what is added to the kubeconfig, over which it wins; undefined where nothing is.
   */
  readonly service: ServiceOptions | undefined;
  readonly client: ClientOptions;
}

/** Which namespaces are read. Several keys together all have to hold. */
export interface NamespaceSelector {
  readonly equal?: string | undefined;
  readonly not_equal?: string | undefined;
  /** Regular expressions, one of which matches the whole name. */
  readonly match?: readonly string[] | undefined;
  /** Regular expressions, none of which matches the whole name. */
  readonly not_match?: readonly string[] | undefined;
}
