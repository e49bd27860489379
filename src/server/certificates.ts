import type { Logger } from "../base/log.ts";
import type { CertificatesConfig } from "../config/schema.ts";
import type { Files } from "../platform/files.ts";
import type { Host } from "../platform/host.ts";
import type { TlsStreamListener } from "../platform/listen.ts";
import type { ServerCertificate } from "../platform/tls.ts";

/** What reading certificates needs. */
interface Readers {
  readonly files: Pick<Files, "readText" | "watch">;
  readonly host: Pick<Host, "inspectCertificate">;
}

/** Every certificate, read and checked, or all that is wrong with them. */
export type Certificates =
  | { readonly ok: true; readonly certificates: readonly ServerCertificate[]; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly string[] };

/** Reads the files of a `tls`, which errors call `place`. `now` in milliseconds since the epoch. Never rejects. */
export async function readCertificates(
  entries: CertificatesConfig,
  { files, host }: Readers,
  now: number,
  place = "server.tls",
): Promise<Certificates> {
  const errors: string[] = [];
  const warnings: string[] = [];
  const certificates: ServerCertificate[] = [];
  const read = async (key: string, path: string): Promise<string | undefined> => {
    try {
      return await files.readText(path);
    } catch (error) {
      errors.push(`${place}: ${key}: ${(error as Error).message}`);
      return undefined;
    }
  };
  for (const { cert_file, key_file, server_name } of entries) {
    const [cert, key] = [await read("cert_file", cert_file), await read("key_file", key_file)];
    if (cert === undefined || key === undefined) continue;
    const facts = host.inspectCertificate(cert, key);
    if ("fault" in facts) {
      const [name, path] = facts.fault === "cert" ? ["cert_file", cert_file] : ["key_file", key_file];
      errors.push(`${place}: ${name} ${path} ${facts.why}`);
      continue;
    }
    if (facts.expires <= now) {
      warnings.push(`The certificate in ${cert_file} ended on ${new Date(facts.expires).toISOString()}`);
    }
    certificates.push({ cert, key, names: server_name === undefined ? facts.names : [server_name.toLowerCase()] });
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, certificates, warnings };
}

/** Hands certificates over to the listener when their files change. Returns the function that ends it. */
export function followCertificates(
  entries: CertificatesConfig,
  listener: Pick<TlsStreamListener, "renew">,
  { files, host, logger, now, place }: Readers & { readonly logger: Logger; now(): number; readonly place?: string },
): () => void {
  const paths = entries.flatMap(({ cert_file, key_file }) => [cert_file, key_file]);
  const stays = "; the certificates before stay in force";

  async function renew(): Promise<void> {
    const made = await readCertificates(entries, { files, host }, now(), place);
    if (!made.ok) {
      for (const error of made.errors) logger.log("error", error + stays);
      return;
    }
    for (const warning of made.warnings) logger.log("warn", warning);
    try {
      listener.renew(made.certificates);
      logger.log("info", "The changed certificates are in force");
    } catch (error) {
      logger.log("error", (error as Error).message + stays);
    }
  }
  return files.watch(paths, () => void renew());
}
