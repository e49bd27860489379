import * as v from "valibot";
import { isAddress, isHostName, type SocketAddress, stripBrackets } from "../../base/addresses.ts";
import { key, oneFile, optional, withDefault } from "../../base/schema/key.ts";
import { object, oneOf } from "../../base/schema/shapes.ts";
import { host, portValue, shown, shownText, wholeNumber } from "../../base/schema/values.ts";

const LISTEN_PORT = "a port from 0 to 65535";
const LISTEN = "an address such as 0.0.0.0:8080, [::1]:8080 or 8080";

const listenPort = wholeNumber(0, 65_535, LISTEN_PORT);
const listenText = /^(?:(?<host>\[[0-9a-fA-F:.]+\]|[^:[\]]*):)?(?<port>[0-9]{1,5})$/;

/** "host:port", "[::1]:port", ":port", a port, or {host, port}; a missing host is `defaultHost`. */
export const listen = (defaultHost: string) =>
  oneOf(
    [
      v.pipe(
        listenPort,
        v.transform((port): SocketAddress => ({ host: defaultHost, port })),
      ),
      v.pipe(
        shown(v.string(LISTEN)),
        v.regex(listenText, LISTEN),
        v.transform((text): SocketAddress => {
          const { host, port } = listenText.exec(text)!.groups!;
          return { host: stripBrackets(host || defaultHost), port: Number(port) };
        }),
        v.check(({ host, port }) => port <= 65_535 && (isAddress(host) || isHostName(host)), LISTEN),
      ),
      object({
        host: withDefault(host, defaultHost, { help: "The address or name to listen on." }),
        port: key(portValue(LISTEN_PORT, 0), { help: "0 lets the system choose." }),
      }),
    ],
    `${LISTEN}, or a mapping of host, port`,
  );

/** The address a `listen` means; undefined when it is not one, which the schema reports. */
export function listenAddressOf(schema: v.GenericSchema, written: unknown): SocketAddress | undefined {
  const parsed = v.safeParse(schema, written);
  return parsed.success ? (parsed.output as SocketAddress) : undefined;
}

const certificate = object({
  cert_file: key(shownText("the path of a PEM file with the certificate chain"), {
    files: oneFile,
    help: "The certificate that clients are shown, with those between it and its authority. Read again when the file changes.",
  }),
  key_file: key(shownText("the path of a PEM file with the key"), {
    files: oneFile,
    help: "The private key of that certificate.",
  }),
  server_name: optional(shownText("the host name this certificate is for"), {
    help: "Clients that ask for this name (SNI) are shown this certificate; by default the names in the certificate.",
  }),
});

/** What `tls` of a listener is for. */
export const CERTIFICATES_HELP = "Certificates of the listener, chosen by the name a client asks for (SNI).";

/** Certificates to serve with: one, or several that are chosen by the name a client asks for. */
export const certificates = oneOf(
  [
    v.pipe(
      certificate,
      v.transform((one) => [one]),
    ),
    v.pipe(v.array(certificate, "a list of certificates"), v.minLength(1, "a list of certificates, at least one")),
  ],
  "a mapping of cert_file, key_file, or a list of them",
);

/** Where certificates and their keys are read from; at least one. */
export type CertificatesConfig = v.InferOutput<typeof certificates>;
