import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "bun:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { MAIN } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";

const haveKubectl = Bun.which("kubectl") !== null;

/** The two listeners' ports: the demo's own are fixed, and this machine may use them. */
let folder: string;
let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
let stdout = "";
let stderr = "";

async function collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
}

const portFree = (port: number): boolean => {
  try {
    void Bun.serve({ hostname: "0.0.0.0", port, fetch: () => new Response() }).stop(true);
    return true;
  } catch {
    return false;
  }
};
