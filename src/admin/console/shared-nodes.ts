import type { Clock } from "../../base/clock.ts";
import type { ClusterStatus, NodesAnswer } from "../../discovery/views.ts";
import type { GatewayView } from "../../gateway/view.ts";

/**
 * Milliseconds for which what the apiserver answered is shown (mode `request`): so often it is asked at most, however
 * many look.
 */
const KEPT_MS = 2000;

/**
 * The addresses of one port of a service, as a cluster of this mode knows them. Rejects as `GatewayView.nodes` does.
 */
export type AskNodes = (service: string, mode: ClusterStatus["mode"] | undefined) => Promise<NodesAnswer>;

/**
 * One question for all viewers: those who ask while it is under way get its answer too. In mode `request` each question
 * goes to the apiserver, so the answer is kept for a while; the other modes know the answer, and give it each time.
 */
export function shareNodes({ nodes }: Pick<GatewayView, "nodes">, { now }: Pick<Clock, "now">): AskNodes {
  const asked = new Map<string, { readonly answer: Promise<NodesAnswer>; until: number }>();
  return (service, mode) => {
    for (const [one, { until }] of asked) if (until <= now()) asked.delete(one);
    const shared = asked.get(service);
    if (shared !== undefined) return shared.answer;
    const question = { answer: nodes(service, { verbose: true }), until: Number.POSITIVE_INFINITY };
    asked.set(service, question);
    question.answer.then(
      () => {
        question.until = now() + (mode === "request" ? KEPT_MS : 0);
      },
      () => asked.delete(service),
    );
    return question.answer;
  };
}
