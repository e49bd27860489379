import { SERVICE_ACCOUNT_FOLDER } from "../kubernetes/service-account.ts";
import type { Files } from "../platform/files.ts";

/** Exit codes of all commands. */
export const EXIT = { fine: 0, no: 1, badInput: 2 } as const;

/** What a pod's service account offers; nothing outside a pod. */
export interface PodFacts {
  readonly namespace?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
}

/** Looks at the service account's files. */
export async function readPodFacts(files: Files): Promise<PodFacts> {
  const there = async (name: string): Promise<string | undefined> => {
    const path = `${SERVICE_ACCOUNT_FOLDER}/${name}`;
    return (await files.exists(path)) ? path : undefined;
  };
  const namespaceFile = await there("namespace");
  return {
    namespace: namespaceFile === undefined ? undefined : (await files.readText(namespaceFile)).trim() || undefined,
    tokenFile: await there("token"),
    caFile: await there("ca.crt"),
  };
}

/** What a person types to start this program: the script of a checkout, where that started it, else the executable. */
export const programOf = ({ npm_lifecycle_event: script }: Readonly<Record<string, string | undefined>>): string =>
  script === "gateway" ? "bun run gateway" : "podway";
