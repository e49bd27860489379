import { until } from "../../helpers/wait.ts";

/** One request and what became of it. */
export interface Sent {
  /** `performance.now()` when it was sent. */
  at: number;
  /** 0: there was no answer. */
  status: number;
  /** The pod that answered. */
  pod: string | undefined;
  error: string | undefined;
}

/** Requests at a steady rate, sent whether or not earlier ones were answered. */
export interface Traffic {
  /** Those that are answered or have failed, in the order in which they ended. */
  readonly ended: readonly Sent[];
  /** Waits until this many more requests than now have ended. */
  more(count: number): Promise<void>;
  /** Stops sending, waits for those under way. */
  stop(): Promise<readonly Sent[]>;
}

/** What is wrong with the answers; none is what is hoped for. */
export const failuresOf = (sent: readonly Sent[]): Sent[] => sent.filter(({ status }) => status !== 200);

/** Starts GETs of `url` whose answers are those of a test pod. */
export function startTraffic(url: string, perSecond: number): Traffic {
  const ended: Sent[] = [];
  const open = new Set<Promise<void>>();
  const sendOne = async (): Promise<void> => {
    const at = performance.now();
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
      const body = (await answer.json()) as { pod?: string; code?: string };
      ended.push({ at, status: answer.status, pod: body.pod, error: body.code });
    } catch (error) {
      ended.push({ at, status: 0, pod: undefined, error: String(error) });
    }
  };
  const begin = performance.now();
  let sent = 0;
  // A timer that comes late sends what it owes, so that the rate holds on a busy machine.
  const timer = setInterval(() => {
    const owed = ((performance.now() - begin) * perSecond) / 1000;
    for (; sent < owed; sent++) {
      const request = sendOne();
      open.add(request);
      request.finally(() => open.delete(request));
    }
  }, 5);
  return {
    ended,
    async more(count) {
      const goal = ended.length + count;
      await until(() => ended.length >= goal, {
        timeout: (count / perSecond) * 1000 + 20_000,
        message: () => `${goal} requests to end, ${ended.length} have`,
      });
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      return ended;
    },
  };
}
