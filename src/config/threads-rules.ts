import { placeAt, placesIn, present, type Rules, valueFault, warn } from "./rules.ts";

/** `server.workers` as it was written; undefined: one, the default. */
function several(rules: Rules): string | undefined {
  const { workers } = placeAt(rules.source, ["server"]).value;
  const isText = typeof workers === "string" || typeof workers === "number";
  return isText && String(workers) !== "1" ? String(workers) : undefined;
}

/** For runtimes without threads that share a port: what asks for them is refused, since one thread would not be that. */
export function checkWithoutThreads(rules: Rules): void {
  if (several(rules) === undefined) return;
  const why = "this runtime has no threads that share a port; run on Bun, or start more gateways";
  valueFault(rules, placeAt(rules.source, ["server"]), "workers", `must be 1 here (or left out): ${why}`);
}

/** Middleware whose limits each worker counts by itself. */
const LIMITS = ["rate_limit", "throttle", "concurrency_limit"] as const;

/** What each worker counts for itself. */
export function checkWorkers(rules: Rules): void {
  const workers = several(rules);
  if (workers === undefined) return;
  const { source } = rules;
  for (const holder of [placeAt(source, ["defaults"]), ...placesIn(source, ["routes"])]) {
    for (const entry of placesIn(source, [...holder.path, "middleware"])) {
      const times = workers === "auto" ? "as many times" : `${workers} times`;
      const why = `is counted in each worker by itself: with server.workers ${workers} a client may have ${times} the limit`;
      for (const limit of present(entry, LIMITS)) warn(rules, entry, limit, why);
    }
  }
}
