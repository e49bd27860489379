import { copyFile, mkdir, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../real/harness/run-tool.ts";
import type { MakeBase } from "./image.ts";
import { debianRoot } from "./state.ts";

/** What of Debian distroless `base-nossl` is made of, but for netbase and the list of CAs: no shell among it. */
const DISTROLESS_PACKAGES = ["base-files", "libc6", "tzdata"];

const DISTROLESS_USERS = `root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
`;

/** Debian with Bun in /usr/local/bin: what `oven/bun:VERSION-slim` is. */
async function bunSlim(root: string): Promise<void> {
  await runTool(["cp", "-a", "--reflink=auto", `${debianRoot()}/.`, root]);
  // Where debootstrap itself runs in a container, /proc is a link to the one outside.
  await rm(join(root, "proc"), { recursive: true, force: true });
  // Packages that are not set up have not made it yet.
  await mkdir(join(root, "usr/local/bin"), { recursive: true });
  await copyFile(await realpath(process.execPath), join(root, "usr/local/bin/bun"));
}

/** The packages' files, unpacked and not set up, as Bazel does for distroless images. */
async function distroless(root: string): Promise<void> {
  const archives = join(debianRoot(), "var/cache/apt/archives");
  const files = await readdir(archives);
  for (const name of DISTROLESS_PACKAGES) {
    const file = files.find((one) => one.startsWith(`${name}_`));
    if (file === undefined) throw new Error(`Debian's root came without ${name}`);
    await runTool(["dpkg-deb", "-x", join(archives, file), root]);
  }
  await mkdir(join(root, "home/nonroot"), { recursive: true });
  await writeFile(join(root, "etc/passwd"), DISTROLESS_USERS);
}

/** Roots that stand for the Dockerfile's base images, which cannot be fetched without a registry. */
export const makeBase: MakeBase = async (image, root) => {
  const { packageManager } = (await Bun.file(join(import.meta.dir, "../../package.json")).json()) as {
    packageManager: string;
  };
  const bun = packageManager.replace("@", ":");
  if (image === `oven/${bun}-slim`) {
    await bunSlim(root);
    return {};
  }
  if (image === "gcr.io/distroless/base-nossl-debian12:nonroot") {
    await distroless(root);
    return { user: "65532:65532", workdir: "/home/nonroot" };
  }
  throw new Error(`These tests do not know what the image ${image} has in it`);
};
