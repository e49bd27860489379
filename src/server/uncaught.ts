import type { Logger } from "../base/log.ts";
import type { Modules } from "../middleware/modules.ts";
import type { Host } from "../platform/host.ts";

/**
 * Has what nothing catches (a rejection without a handler, a throw in a timer) logged, with the module of the user's
 * that it came from where its stack says so, and the gateway go on. Returns the function that ends it.
 */
export function logFaults(host: Pick<Host, "onFault">, modules: Pick<Modules, "culprit">, logger: Logger): () => void {
  return host.onFault((fault) => {
    const module = modules.culprit(fault);
    const message = fault instanceof Error ? fault.message : String(fault);
    const stack = fault instanceof Error ? fault.stack : undefined;
    logger.log("error", `Nothing caught an error${module === undefined ? "" : ` of ${module}`}: ${message}`, {
      module,
      stack,
    });
  });
}
