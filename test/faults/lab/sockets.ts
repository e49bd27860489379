import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { bunRuntime } from "../../../src/platform/bun/runtime.ts";
import { serveEmbedded } from "../../helpers/embedded.ts";
import { faultProxy } from "../../helpers/fault-proxy.ts";
import { seededRandom } from "../../helpers/random.ts";
import { apiserverOptions, type Place } from "./run-seed.ts";
import type { Schedule } from "./schedule.ts";
import type { Flow, Reach, Wire } from "./wire.ts";

/** How much faster the clock of a run over sockets goes: a watch that may be silent for 30 s may be for 600 ms. */
const SPEED = 50;

/** The machine's clock, faster. */
export function fastClock(speed: number = SPEED): Clock {
  const start = systemClock.now();
  return {
    now: () => start + (systemClock.now() - start) * speed,
    after: (ms, fn) => systemClock.after(ms / speed, fn),
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
  };
}

/** Over sockets on loopback, through a TCP proxy, on a clock that goes faster. */
export async function overSockets({ setting }: Schedule): Promise<Place> {
  const clock = fastClock();
  const served = await serveEmbedded({ ...apiserverOptions(setting), clock, random: seededRandom(7) });
  const proxy = await faultProxy({ port: Number(new URL(served.url).port) });
  const fetch = bunRuntime.clientFetch({ verify: true });
  let reach: Reach = { kind: "open" };
  let flow: Flow = { kind: "plain" };

  const wire: Wire = {
    fetch: (input, init) => {
      const { pathname, search } = new URL(input);
      return fetch(`http://127.0.0.1:${proxy.port}${pathname}${search}`, init);
    },
    get reach() {
      return reach;
    },
    set reach(next) {
      reach = next;
      proxy.set(next.kind === "open" ? "pass" : next.kind === "refuse" ? "reset" : "black_hole");
    },
    get flow() {
      return flow;
    },
    set flow(next) {
      flow = next;
      if (next.kind === "delay") proxy.flow({ kind: "delay", ms: next.ms / SPEED });
      else if (next.kind === "throttle") proxy.flow({ ...next, ms: next.ms / SPEED });
      else if (next.kind === "duplicate") proxy.flow({ kind: "duplicate" });
      else proxy.flow(next);
    },
    cut: proxy.cut,
    stall: proxy.stall,
    // Played in memory only: a TCP proxy knows nothing of caches, events and versions.
    lag: () => {},
    mangle: () => {},
    catchUp: () => {},
    open: 0,
  };
  return {
    clock,
    api: served.api,
    wire,
    settle: () => systemClock.sleep(2),
    advance: (ms) => systemClock.sleep(Math.max(1, ms / SPEED)),
    // The machine's own slowness does not scale.
    patience: 6,
    watchOver(look) {
      let stopped = false;
      const again = (): void => {
        if (stopped) return;
        look();
        setTimeout(again, 1);
      };
      again();
      return () => {
        stopped = true;
      };
    },
    async close() {
      await proxy.stop();
      await served.stop();
    },
  };
}
