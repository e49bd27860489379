import process from "node:process";

/** The variable by which run.ts tells the tests where this run keeps its files. */
export const STATE_FOLDER = "PODWAY_REAL_STATE";

/** This run's folder. Outside of run.ts there is none, and that is an error: a skipped test would look like a passed one. */
export function stateFolder(): string {
  const folder = process.env[STATE_FOLDER];
  if (folder === undefined) {
    throw new Error("These tests need a namespace of their own: start them with `bun run test:real`");
  }
  return folder;
}

/** envtest's folder with `etcd` and `kube-apiserver`; run.ts has checked it. */
export function assetsFolder(): string {
  return process.env.KUBEBUILDER_ASSETS!;
}
