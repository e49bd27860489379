import { startOnDeno } from "./deno.ts";
import { stageConfig } from "./stage.ts";
import { runtimeSuite } from "./suite.ts";

runtimeSuite("deno", async (stage) => {
  const config = stageConfig(stage, {}, { server: { listen: "127.0.0.1:0" }, admin: { listen: "127.0.0.1:0" } });
  const gateway = await startOnDeno({ config });
  return {
    url: gateway.url,
    adminUrl: gateway.adminUrl,
    log: () => [...gateway.stdout, ...gateway.stderr].join("\n"),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
});
