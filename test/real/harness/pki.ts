import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "./run-tool.ts";

/** Paths of a certificate and its key, PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** A certificate authority of a cluster's own. */
export interface Authority extends KeyPair {
  /** Signs a certificate. `subject` as openssl writes it: `/O=group/CN=name`. */
  issue(name: string, subject: string, extension: string): Promise<KeyPair>;
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const DAYS = ["-days", "2"];

/** Makes an authority whose files are in `folder`. */
export async function createAuthority(folder: string, commonName: string): Promise<Authority> {
  await mkdir(folder, { recursive: true });
  const pair = (name: string): KeyPair => ({ cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) });
  const ca = pair("ca");
  await runTool([
    "openssl",
    "req",
    "-x509",
    ...NEW_KEY,
    ...DAYS,
    "-subj",
    `/CN=${commonName}`,
    "-keyout",
    ca.key,
    "-out",
    ca.cert,
  ]);
  return {
    ...ca,
    async issue(name, subject, extension) {
      const made = pair(name);
      const request = join(folder, `${name}.csr`);
      const extensions = join(folder, `${name}.ext`);
      await writeFile(extensions, `${extension}\n`);
      await runTool(["openssl", "req", ...NEW_KEY, "-subj", subject, "-keyout", made.key, "-out", request]);
      const signedBy = ["-CA", ca.cert, "-CAkey", ca.key, "-CAcreateserial", "-extfile", extensions];
      await runTool(["openssl", "x509", "-req", "-in", request, ...signedBy, ...DAYS, "-out", made.cert]);
      return made;
    },
  };
}

/** A key pair for signing service account tokens. */
export async function createSigningKey(folder: string): Promise<{ private: string; public: string }> {
  const keys = { private: join(folder, "sa.key"), public: join(folder, "sa.pub") };
  await runTool(["openssl", "genrsa", "-out", keys.private, "2048"]);
  await runTool(["openssl", "rsa", "-in", keys.private, "-pubout", "-out", keys.public]);
  return keys;
}
