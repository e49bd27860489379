import { key } from "../base/schema/key.ts";
import { object } from "../base/schema/shapes.ts";
import { milliseconds } from "../base/schema/values.ts";
import { plugin } from "./plugin.ts";
import { reject } from "./rejection.ts";

const options = object({ duration: key(milliseconds(1), { help: "That time." }) });

const DETAIL = "There was no answer in the time this route gives";

/**
 * `timeout`: milliseconds to the answer's headers, for all that stands behind it: middleware, the user's own too, and the
 * upstream, which has what they leave of the time. While the upstream is asked the proxy sees to it, as it ends the work there too.
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
          const asked = context.forwarding;
          if (asked === undefined) return giveUp(true);
          // Answers, or has answered; what stands between has a moment to pass that on.
          const settled = (): void => void cancels.push(clock.after(0, () => giveUp(true)));
          void asked.then(settled, settled);
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
