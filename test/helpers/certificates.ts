import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Paths of a certificate and its key. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** An authority of the test's own, in a temporary folder. */
export interface Authority extends AsyncDisposable {
  readonly folder: string;
  /** Path of its own certificate. */
  readonly ca: string;
  /** Signs a certificate for these names, such as `DNS:a.test` or `IP:127.0.0.1`. Its files are called `name`. */
  issue(name: string, subjects: readonly string[], options?: { days?: number }): Promise<CertificateFiles>;
}

async function openssl(...args: string[]): Promise<void> {
  const child = Bun.spawn(["openssl", ...args], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  if ((await child.exited) !== 0) throw new Error(`openssl ${args[0]}: ${await new Response(child.stderr).text()}`);
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** Makes an authority with the openssl program. */
export async function createAuthority(name = "test authority"): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), "podway-certificates-"));
  const at = (file: string): string => join(folder, file);
  await openssl(
    "req",
    "-x509",
    ...KEY,
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.crt"),
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
  );
  return {
    folder,
    ca: at("ca.crt"),
    async issue(file, subjects, { days = 2 } = {}) {
      const files = { cert: at(`${file}.crt`), key: at(`${file}.key`) };
      await openssl(
        ...["req", "-x509", ...KEY, "-keyout", files.key, "-out", files.cert, "-days", String(days)],
        ...["-subj", `/CN=${file}`, "-addext", `subjectAltName=${subjects.join(",")}`],
        ...["-addext", "basicConstraints=critical,CA:FALSE", "-CA", at("ca.crt"), "-CAkey", at("ca.key")],
      );
      return files;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
