import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder as kubelet mounts a ConfigMap, a Secret or a projected token: every change of it is one rename of a symlink. */
export interface Volume extends AsyncDisposable {
  readonly folder: string;
  /** Where a file is read. */
  path(name: string): string;
  /** Replaces some of the files, all at one moment. */
  publish(files: Readonly<Record<string, string>>): Promise<void>;
}

/** Mounts one. */
export async function mountVolume(files: Readonly<Record<string, string>>): Promise<Volume> {
  const folder = await mkdtemp(join(tmpdir(), "podway-volume-"));
  let all: Record<string, string> = {};
  let turn = 0;
  const publish: Volume["publish"] = async (changed) => {
    all = { ...all, ...changed };
    const data = `..data_${++turn}`;
    await mkdir(join(folder, data));
    for (const [name, text] of Object.entries(all)) await writeFile(join(folder, data, name), text);
    await symlink(data, join(folder, "..data_tmp"));
    await rename(join(folder, "..data_tmp"), join(folder, "..data"));
    if (turn > 1) await rm(join(folder, `..data_${turn - 1}`), { recursive: true });
  };
  await publish(files);
  for (const name of Object.keys(files)) await symlink(join("..data", name), join(folder, name));
  return {
    folder,
    path: (name) => join(folder, name),
    publish,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
