import { key } from "../base/schema/key.ts";
import { object } from "../base/schema/shapes.ts";
import { durationMs } from "../base/schema/values.ts";
import { plugin } from "./plugin.ts";
import { reject } from "./rejection.ts";

const options = object({ duration: key(durationMs(1), { help: "That time." }) });

const DETAIL = "There was no answer in the time this route gives";

/**
 * `timeout`: milliseconds to the answer's headers, for everything behind it: middleware, user modules included, and the
 * upstream, which gets the time they leave. While the upstream works the proxy applies it, as that ends the attempt
 * too.
 */
export const timeout = plugin(
  { help: "How long the answer's headers may take, with the middleware behind this one; then it is a 504.", options },
  ({ duration }, { clock }) =>
    async (c, next) => {
      const context = c.env;
      const end = clock.now() + duration;
      context.deadline = Math.min(context.deadline ?? end, end);
      const { promise: over, resolve: giveUp } = Promise.withResolvers<true>();
      const cancels = [
        clock.after(duration, () => {
          const answering = context.forwarding;
          if (answering === undefined) return giveUp(true);
          // The proxy answers by itself, or has; the middleware in between get a moment to pass that on.
          const settled = (): void => void cancels.push(clock.after(0, () => giveUp(true)));
          void answering.then(settled, settled);
        }),
      ];
      const behind = next();
      try {
        if ((await Promise.race([behind, over])) !== true) return;
      } finally {
        for (const cancel of cancels) cancel();
      }
      context.abandoned = true;
      behind.catch(() => {});
      if (c.finalized) {
        void c.res.body?.cancel().catch(() => {});
        c.res = undefined;
      }
      c.res = reject(c, { code: "upstream_timeout", detail: DETAIL });
    },
);
