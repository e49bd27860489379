import { describe, test } from "bun:test";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { parseDockerfile } from "../container/dockerfile.ts";

describe("the Dockerfile", () => {
  test("takes every image it builds on by digest, where a release gives one", async () => {
    const text = await Bun.file(join(import.meta.dir, "../../Dockerfile")).text();
    const digest = `sha256:${"0".repeat(64)}`;
    const args = { BUN_IMAGE: `bun@${digest}`, BASE_IMAGE: `base@${digest}` };
    assertEquals(
      parseDockerfile(text, args).map(({ image }) => image),
      [args.BUN_IMAGE, args.BASE_IMAGE],
    );
    for (const { image } of parseDockerfile(text)) assertEquals(image.includes(":"), true);
  });
});
