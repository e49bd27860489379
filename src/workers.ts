import config from "../gateway.workers.yaml";
import { createWorker } from "./server/workers/gateway.ts";

const { worker, SnapshotHolder } = createWorker(config);

export { SnapshotHolder };
export default worker;
