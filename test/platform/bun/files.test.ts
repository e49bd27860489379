import { afterEach, beforeEach, describe, test } from "bun:test";
import { readFileSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, readdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertRejects } from "@std/assert";
import { bunRuntime } from "../../../src/platform/bun/runtime.ts";
import { until } from "../../helpers/wait.ts";

const files = bunRuntime.files;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What a kubelet does: a new folder beside, then one rename of the symlink `..data`. */
async function publish(version: string, text: string): Promise<void> {
  await mkdir(join(folder, `..${version}`));
  await writeFile(join(folder, `..${version}`, "ca.crt"), text);
  await symlink(`..${version}`, join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), join(folder, "..data"));
}

/** Watches a path; tells how often it was told of a change. */
function watching(...paths: string[]) {
  const seen = { count: 0, stop: files.watch(paths, () => seen.count++) };
  return seen;
}

describe("reading and writing", () => {
  test("a file that cannot be read is named in the error", async () => {
    const path = join(folder, "absent");
    const error = await assertRejects(() => files.readText(path));
    assertEquals(error.message, `cannot read ${path}: there is no such file`);
    assertEquals(
      (await assertRejects(() => files.readText(folder))).message,
      `cannot read ${folder}: it is a directory`,
    );
    assertEquals([await files.exists(path), await files.exists(folder)], [false, true]);
  });

  test("a file written atomically is whole, replaces the old one, and leaves nothing beside it", async () => {
    const path = join(folder, "snapshot.json");
    await Promise.all([files.writeAtomic(path, "a".repeat(100_000)), files.writeAtomic(path, "b".repeat(100_000))]);
    assertEquals(new Set(await files.readText(path)).size, 1);
    await files.writeAtomic(path, "last");
    assertEquals(await files.readText(path), "last");
    assertEquals(await readdir(folder), ["snapshot.json"]);
    const nowhere = join(folder, "no", "such");
    const error = await assertRejects(() => files.writeAtomic(nowhere, "x"));
    assertEquals(error.message, `cannot write ${nowhere}: there is no such folder`);
  });
});

describe("watching", () => {
  test("tells of a ConfigMap's symlink swap, once", async () => {
    await publish("1", "old");
    await symlink("..data/ca.crt", join(folder, "ca.crt"));
    const seen = watching(join(folder, "ca.crt"));
    await publish("2", "new");
    await until(() => seen.count > 0, { message: "the swap was seen" });
    assertEquals(await files.readText(join(folder, "ca.crt")), "new");
    await writeFile(join(folder, "unrelated"), "x");
    await publish("3", "newer");
    await until(() => seen.count > 1, { message: "the second swap was seen" });
    assertEquals(seen.count, 2);
    seen.stop();
  });

  test("tells of a file that is written in place, replaced, removed and made again", async () => {
    const path = join(folder, "token");
    await writeFile(path, "one");
    const seen = watching(path);
    const changes = [
      () => writeFile(path, "two"),
      () => files.writeAtomic(path, "six"),
      () => unlink(path),
      () => writeFile(path, "back"),
    ];
    for (const [i, change] of changes.entries()) {
      await change();
      await until(() => seen.count === i + 1, { message: () => `change ${i}: told ${seen.count} times` });
    }
    seen.stop();
  });

  test("tells of a file that is written in steps once it is whole", async () => {
    const path = join(folder, "gateway.yaml");
    await writeFile(path, "before");
    const read: string[] = [];
    const stop = files.watch([path], () => read.push(readFileSync(path, "utf8")));
    await writeFile(path, "");
    for (let i = 0; i < 6; i++) {
      // A writer that takes its time: its pauses are shorter than a file has to be still.
      await Bun.sleep(50);
      await appendFile(path, `${i}\n`);
    }
    await until(() => read.length > 0, { message: "the change was seen" });
    assertEquals(read, ["0\n1\n2\n3\n4\n5\n"]);
    stop();
  });

  test("tells of a file in a folder that does not exist yet", async () => {
    const path = join(folder, "later", "file");
    const seen = watching(path);
    await mkdir(join(folder, "later"));
    await writeFile(path, "x");
    await until(() => seen.count === 1, { message: "the new file was seen" });
    seen.stop();
  });

  test("tells nothing after it was stopped", async () => {
    const path = join(folder, "file");
    const seen = watching(path);
    seen.stop();
    const other = watching(path);
    await writeFile(path, "x");
    await until(() => other.count === 1, { message: "another watcher saw it" });
    assertEquals(seen.count, 0);
    other.stop();
  });
});
