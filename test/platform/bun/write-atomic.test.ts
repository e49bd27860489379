import { describe, test } from "bun:test";
import { chmod, mkdtemp, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertRejects } from "@std/assert";
import { nodeFiles } from "../../../src/platform/node/files.ts";

describe("a file that the gateway writes", () => {
  test("can be read by its own user alone, whatever stood there before", async () => {
    const folder = await mkdtemp(join(tmpdir(), "podway-write-"));
    const path = join(folder, "snap.json");
    await writeFile(path, "old", { mode: 0o644 });
    await chmod(path, 0o644);
    await nodeFiles.writeAtomic(path, "new");
    assertEquals([await readFile(path, "utf8"), (await stat(path)).mode & 0o777], ["new", 0o600]);
    assertEquals(await readdir(folder), ["snap.json"]);
  });

  test("never goes through a link that another user has put there", async () => {
    const folder = await mkdtemp(join(tmpdir(), "podway-write-"));
    const other = join(folder, "other");
    await writeFile(other, "of another");
    for (let i = 0; i < 100; i++) await symlink(other, join(folder, `.snap.json.${process.pid}.${i}.tmp`));
    await symlink(other, join(folder, "snap.json"));
    for (let i = 0; i < 3; i++) await nodeFiles.writeAtomic(join(folder, "snap.json"), `state ${i}`);
    assertEquals(await readFile(other, "utf8"), "of another");
    assertEquals(await readFile(join(folder, "snap.json"), "utf8"), "state 2");
  });

  test("that cannot be put in place leaves nothing behind", async () => {
    const folder = await mkdtemp(join(tmpdir(), "podway-write-"));
    const error = await assertRejects(() => nodeFiles.writeAtomic(join(folder, "nowhere", "snap.json"), "x"));
    assertEquals((error as Error).message.startsWith(`cannot write ${join(folder, "nowhere", "snap.json")}`), true);
    await assertRejects(() => nodeFiles.writeAtomic(folder, "x"));
    assertEquals(
      (await readdir(join(folder, ".."))).filter((name) => name.includes(`${folder.split("/").at(-1)}.`)),
      [],
    );
  });
});
