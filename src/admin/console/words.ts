import type { ClusterStatus } from "../../discovery/views.ts";
import type { ClientState } from "../../kubernetes/types.ts";

/** How well something is: shown by a word and a shape too, never by its colour alone. */
export type Tone = "good" | "wait" | "warn" | "bad";

/** Each state in plain words. */
const STATES: Record<ClientState, readonly [Tone, string]> = {
  watching: ["good", "in step, by a watch"],
  polling: ["good", "in step, by polling"],
  on_request: ["good", "asked with each request"],
  connecting: ["wait", "connecting"],
  syncing: ["wait", "reading its list"],
  unreachable: ["bad", "cannot be reached"],
  unauthorized: ["bad", "refuses the credentials"],
  forbidden: ["bad", "does not allow the list"],
  rejected: ["bad", "refuses the query"],
};

/** What a cluster's state is in words, and how well that is. */
export function stateWords(state: ClientState): { readonly tone: Tone; readonly text: string } {
  const [tone, text] = STATES[state];
  return { tone, text };
}

/** How well a cluster is: one that still serves what it knew is a warning, whatever its client does. */
export function clusterTone({ state, stale }: ClusterStatus): Tone {
  const { tone } = stateWords(state);
  return tone !== "good" || stale ? (stale ? "warn" : tone) : "good";
}

/** A cluster's name in a sentence, where there may be just one. */
export const clusterName = (id: string): string => (id === "" ? "the cluster" : id);

/** `4 s`, `12 min`, `3 h`, `2 days`; `never` for null. */
export function ageWords(seconds: number | null): string {
  if (seconds === null) return "never";
  if (seconds < 90) return `${Math.floor(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

const whole = new Intl.NumberFormat("en");

/** `10,000` */
export const count = (value: number): string => whole.format(value);

/** `1 service`, `10,000 services` */
export const counted = (value: number, thing: string): string => `${count(value)} ${thing}${value === 1 ? "" : "s"}`;

const SIZES = ["B", "kB", "MB", "GB", "TB"];

/** `0 B`, `1.2 kB`, `34 MB` */
export function bytes(value: number): string {
  let size = 0;
  let left = value;
  while (left >= 1000 && size < SIZES.length - 1) {
    left /= 1000;
    size++;
  }
  return `${size === 0 ? left : figure(left)} ${SIZES[size]}`;
}

/** A number of three figures or so: `0`, `0.25`, `3.4`, `128`, `12,400`. */
export function figure(value: number): string {
  if (value === 0) return "0";
  if (value < 1) return value < 0.005 ? "<0.01" : value.toFixed(2);
  return value < 10 ? value.toFixed(1) : count(Math.round(value));
}

/** `3.4 ms`, `1.2 s`; a dash where there was no answer. */
export function showMilliseconds(value: number): string {
  if (Number.isNaN(value)) return "–";
  return value < 1000 ? `${figure(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** `12%`, `0.4%`: a share of something, between 0 and 1. */
export function percent(share: number): string {
  if (share === 0) return "0%";
  return share < 0.001 ? "<0.1%" : `${share < 0.1 ? (share * 100).toFixed(1) : Math.round(share * 100)}%`;
}

/** `16:31:05`, in UTC. */
export const timeOf = (at: number): string => new Date(at).toISOString().slice(11, 19);
