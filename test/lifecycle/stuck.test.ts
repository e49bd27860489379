import { test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { connections, FILES, linesWith, TELL } from "../server/threads/support.ts";
import { startPod } from "./pod.ts";

test("a worker whose middleware never returns is ended and replaced, and the others go on", async () => {
  await using pod = startPod();
  await using gateway = await startGateway({
    config: {
      server: { listen: "127.0.0.1:0", workers: 2 },
      admin: { listen: "127.0.0.1:0" },
      routes: [{ nodes: [pod.node], middleware: [TELL] }],
    },
    files: FILES,
  });
  const open = await connections(gateway.url, { each: 2 });
  const [stuck = "", healthy = ""] = open.keys();
  const victim = open.get(stuck)![0]!;
  const other = open.get(healthy)![0]!;
  victim.client.send("GET / HTTP/1.1\r\nhost: gateway.test\r\nx-die: spin\r\n\r\n");
  await until(() => linesWith(gateway, "A worker is stuck and is ended").length === 1, {
    timeout: 40_000,
    message: "the log says so",
  });
  assertStringIncludes(await other.ask(), "200 pod");
  await until(() => linesWith(gateway, "another takes its place").length === 1, { message: "it is replaced" });
  const after = await connections(gateway.url);
  assert(!after.has(stuck));
  assertEquals((await gateway.admin("/readyz")).status, 200);
});
