import type { MiddlewareKinds } from "../middleware/options.ts";
import { placeAt, placesIn, present, type Rules, warn } from "./rules.ts";
import { asksForThreads } from "./server-schema.ts";

/** What each worker counts for itself. */
export function checkWorkers(rules: Rules, kinds: MiddlewareKinds): void {
  const { document } = rules;
  const { workers } = placeAt(document, ["server"]).value;
  if (!asksForThreads(workers)) return;
  const counting = Object.keys(kinds).filter((name) => kinds[name]?.counts);
  for (const holder of [placeAt(document, ["defaults"]), ...placesIn(document, ["routes"])]) {
    for (const entry of placesIn(document, [...holder.path, "middleware"])) {
      const times = workers === "auto" ? "as many times" : `${workers} times`;
      const why = `is counted in each worker by itself: with server.workers ${workers} a client may have ${times} the limit`;
      for (const limit of present(entry, counting)) warn(rules, entry, limit, why);
    }
  }
}
