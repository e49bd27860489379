import { stageConfig } from "./stage.ts";
import { runtimeSuite } from "./suite.ts";
import { startWorker } from "./workerd.ts";

runtimeSuite("workers", (stage) =>
  startWorker({ config: stageConfig(stage, { poll_interval: 100 }, {}, "workers"), holder: true }),
);
