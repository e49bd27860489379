import type { Random } from "../../../src/base/clock.ts";
import type { Fault } from "../../helpers/apiserver-faults.ts";
import { seededRandom } from "../../helpers/random.ts";
import type { Flow, Reach } from "./wire.ts";
import { between, type Kind, NAMESPACES, pick, randomSketch, SERVICES, type Sketch } from "./world.ts";

/** How the gateway is configured for a seed, and how its apiserver behaves when nothing is wrong. */
export interface Setting {
  readonly mode: "watch" | "poll" | "auto" | "request";
  readonly kind: Kind;
  /** Namespaced list-watches of these; undefined: one for all namespaces. */
  readonly namespaces: readonly string[] | undefined;
  readonly notEqual: string | undefined;
  readonly labels: boolean;
  /** Objects per page at most. */
  readonly page: number;
  readonly gone: "event" | "status";
  readonly initialEvents: "on" | "ignored" | "refused";
}

/** One thing that happens. */
export type Step =
  | { readonly do: "put"; readonly sketch: Sketch }
  | { readonly do: "remove"; readonly namespace: string; readonly name: string }
  | { readonly do: "drop_namespace"; readonly namespace: string }
  /** History is forgotten: what is older is answered with 410. */
  | { readonly do: "compact" }
  /** All connections break, and history is forgotten. */
  | { readonly do: "restart" }
  | { readonly do: "lag"; readonly behind: number }
  /** The next event of each open watch is damaged on its way. */
  | { readonly do: "mangle" }
  | { readonly do: "catch_up" }
  | { readonly do: "reach"; readonly reach: Reach }
  | { readonly do: "flow"; readonly flow: Flow }
  | { readonly do: "cut" }
  | { readonly do: "stall" }
  /** Open watches of the apiserver end in order. */
  | { readonly do: "end_watches" }
  /** A sound-looking line that ends the watches: their version is gone, they say. */
  | { readonly do: "error_event" }
  | { readonly do: "noise"; readonly text: string }
  | { readonly do: "fault"; readonly fault: Fault }
  | { readonly do: "heal" }
  /** Requests come for every service (what mode `request` lives on). */
  | { readonly do: "ask" }
  /** 0: only what needs no time settles. */
  | { readonly do: "wait"; readonly ms: number };

/** Everything that happens in a run. After each round the faults are healed, and the gateway must be in step. */
export interface Schedule {
  readonly seed: number;
  readonly setting: Setting;
  readonly rounds: readonly (readonly Step[])[];
}

function randomSetting(random: Random): Setting {
  const mode = pick(random, ["watch", "watch", "watch", "poll", "poll", "auto", "auto", "request"] as const);
  return {
    mode,
    kind: random() < 0.7 ? "EndpointSlice" : "Endpoints",
    namespaces: random() < 0.35 ? ["alpha", "beta"] : undefined,
    notEqual: random() < 0.25 ? "gamma" : undefined,
    labels: random() < 0.3,
    page: pick(random, [1, 1, 2, 3, 500]),
    gone: random() < 0.5 ? "event" : "status",
    initialEvents: pick(random, ["on", "ignored", "refused"] as const),
  };
}

const NOISE = [
  "not json at all\n",
  '{"type":"ADDED"}\n',
  '{"type":"MODIFIED","object":{}}\n',
  '{"type":"WHATEVER","object":{"metadata":{"name":"x"}}}\n',
  '{"type":"BOOKMARK","object":{}}\n',
  "null\n",
  "\n",
  '{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd leader changed"}}\n',
];

const SERVER_ERRORS = [
  { code: 500 },
  { code: 503, headers: { "retry-after": "3" } },
  { code: 429, headers: { "retry-after": "2" } },
  { code: 401, reason: "Unauthorized" },
  { code: 403, reason: "Forbidden" },
  { code: 410, reason: "Expired" },
  { code: 400, reason: "BadRequest" },
];

function randomFault(random: Random, { mode }: Setting): Fault {
  const verbs =
    mode === "poll"
      ? (["list"] as const)
      : mode === "request"
        ? ([undefined] as const)
        : (["list", "watch", "watch", undefined] as const);
  const verb = pick(random, verbs);
  const page = verb === "list" && random() < 0.4 ? 2 : undefined;
  const match = { ...(verb && { verb }), ...(page && { page }) };
  const times = between(random, 1, 5);
  const after = between(random, 0, 900);
  const effect = pick<() => Fault["effect"]>(random, [
    () => ({ kind: "drop" }),
    () => ({ kind: "stall" }),
    () => ({ kind: "stall", after }),
    () => ({ kind: "delay", ms: between(random, 10, 20_000) }),
    () => ({ kind: "cut", after }),
    () => ({ kind: "cut", after, clean: true }),
    () => ({ kind: "cut", chunks: between(random, 0, 3), clean: random() < 0.5 }),
    () => ({ kind: "cut", lines: between(random, 0, 3), midLine: true, clean: random() < 0.5 }),
    () => ({ kind: "garbage", after }),
    () => ({ kind: "status", ...pick(random, SERVER_ERRORS) }),
    () => ({ kind: "errorEvent" }),
    () => ({ kind: "html" }),
    () => ({ kind: "html", code: 502 }),
    () => ({ kind: "wrongKind" }),
    () => ({ kind: "truncate" }),
    () => ({ kind: "rechunk", bytes: between(random, 1, 40) }),
  ])();
  // Read whole, and a watch never is.
  if ((effect.kind === "truncate" || effect.kind === "wrongKind") && verb !== "list")
    return { match: { verb: "list" }, times, effect };
  return { match, times, effect };
}

const FLOWS: readonly ((random: Random) => Flow)[] = [
  () => ({ kind: "plain" }),
  (random) => ({ kind: "delay", ms: between(random, 5, 4000) }),
  (random) => ({ kind: "throttle", bytes: between(random, 200, 2000), ms: between(random, 5, 300) }),
  (random) => ({ kind: "rechunk", bytes: between(random, 1, 60) }),
  (random) => ({ kind: "duplicate", chunks: between(random, 1, 3) }),
];

const WAITS = [0, 0, 0, 1, 20, 300, 2000, 6000, 20_000, 45_000];

function randomChange(random: Random, { kind }: Setting): Step {
  const dice = random();
  if (dice < 0.72) return { do: "put", sketch: randomSketch(random, kind) };
  if (dice < 0.76) return { do: "put", sketch: { ...randomSketch(random, kind), addresses: [] } };
  if (dice < 0.96) {
    const name = kind === "Endpoints" ? pick(random, SERVICES) : `slice-${between(random, 1, 5)}`;
    return { do: "remove", namespace: pick(random, NAMESPACES), name };
  }
  return { do: "drop_namespace", namespace: pick(random, NAMESPACES) };
}

function randomTrouble(random: Random, setting: Setting): Step {
  return pick<() => Step>(random, [
    () => ({ do: "fault", fault: randomFault(random, setting) }),
    () => ({ do: "fault", fault: randomFault(random, setting) }),
    () => ({ do: "fault", fault: randomFault(random, setting) }),
    () => ({ do: "flow", flow: pick(random, FLOWS)(random) }),
    () => ({ do: "flow", flow: pick(random, FLOWS)(random) }),
    () => ({ do: "reach", reach: { kind: pick(random, ["refuse", "black_hole"] as const) } }),
    () => ({ do: "reach", reach: { kind: "open" } }),
    () => ({ do: "cut" }),
    () => ({ do: "cut" }),
    () => ({ do: "stall" }),
    () => ({ do: "compact" }),
    () => ({ do: "restart" }),
    () => ({ do: "lag", behind: between(random, 0, 4) }),
    () => ({ do: "catch_up" }),
    () => ({ do: "end_watches" }),
    () => ({ do: "error_event" }),
    () => ({ do: "noise", text: pick(random, NOISE) }),
    () => ({ do: "heal" }),
  ])();
}

/** Troubles that are only dangerous together. */
function randomPlot(random: Random, setting: Setting): Step[] {
  const listAnew = (): Step[] =>
    pick<Step[]>(random, [
      [{ do: "restart" }],
      [{ do: "compact" }, { do: "cut" }],
      [{ do: "compact" }, { do: "end_watches" }],
      [{ do: "noise", text: NOISE[0]! }],
      [{ do: "error_event" }],
      [{ do: "mangle" }, randomChange(random, setting)],
    ]);
  const later = (): Step => ({ do: "wait", ms: pick(random, [300, 6000, 12_000]) });
  const changes = (): Step[] => Array.from({ length: between(random, 1, 3) }, () => randomChange(random, setting));
  return pick<() => Step[]>(random, [
    // A relist that fails on a later page.
    () => {
      const effect = pick<Fault["effect"]>(random, [
        { kind: "status", code: 410, reason: "Expired" },
        { kind: "status", code: 500 },
        { kind: "drop" },
        { kind: "truncate" },
        { kind: "wrongKind" },
        { kind: "cut", after: 40 },
      ]);
      const match = { verb: "list", page: between(random, 2, 3) } as const;
      return [
        { do: "fault", fault: { match, times: between(random, 1, 3), effect } },
        ...changes(),
        ...listAnew(),
        later(),
      ];
    },
    // A relist at an apiserver that knows less than what was seen.
    () => [
      { do: "lag", behind: between(random, 0, 4) },
      ...changes(),
      ...listAnew(),
      later(),
      ...changes(),
      { do: "catch_up" },
      later(),
    ],
    () => [...changes(), later(), { do: "lag", behind: between(random, 0, 4) }, ...listAnew(), later()],
    // What came twice, in a row of changes of one object.
    () => {
      const sketch = randomSketch(random, setting.kind);
      const again = (): Step => ({
        do: "put",
        sketch: { ...randomSketch(random, setting.kind), name: sketch.name, namespace: sketch.namespace },
      });
      const twice: Step = { do: "flow", flow: { kind: "duplicate", chunks: between(random, 2, 3) } };
      const now: Step = { do: "wait", ms: 0 };
      return [again(), now, again(), now, twice, again(), now, { do: "flow", flow: { kind: "plain" } }, later()];
    },
    // Changes that nobody tells of.
    () => [{ do: "stall" }, ...changes(), later()],
    () => [
      { do: "reach", reach: { kind: "refuse" } },
      { do: "cut" },
      ...changes(),
      later(),
      { do: "reach", reach: { kind: "open" } },
    ],
    // Good lines, a bad one, and good ones behind it.
    () => [...changes(), { do: "mangle" }, ...changes(), later()],
    () => [{ do: "mangle" }, ...changes(), { do: "wait", ms: 0 }, ...changes(), later()],
  ])();
}

/** The schedule of a seed: always the same one. */
export function scheduleOf(seed: number, only?: Partial<Setting>): Schedule {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
  const setting = { ...randomSetting(random), ...only };
  const round = (index: number): Step[] => {
    const steps: Step[] = [];
    const count = between(random, 6, 14);
    for (let i = 0; i < count; i++) {
      // The first round starts on a cluster that has something in it.
      const dice = index === 0 && i < 4 ? 0 : random();
      if (dice < 0.45) steps.push(randomChange(random, setting));
      else if (dice < 0.7) steps.push(randomTrouble(random, setting));
      else if (dice < 0.82) steps.push(...randomPlot(random, setting));
      else steps.push({ do: "wait", ms: pick(random, WAITS) });
      if (setting.mode === "request" && random() < 0.5) steps.push({ do: "ask" });
      // What a poller never looks at cannot go wrong.
      if (setting.mode === "poll" && random() < 0.5) steps.push({ do: "wait", ms: between(random, 1000, 8000) });
    }
    return steps;
  };
  return { seed, setting, rounds: Array.from({ length: between(random, 2, 4) }, (_, i) => round(i)) };
}

/** A schedule as it is printed: a line for each step. */
export function describe(schedule: Schedule): string {
  const lines = [`seed ${schedule.seed}: ${JSON.stringify(schedule.setting)}`];
  for (const [i, round] of schedule.rounds.entries()) {
    lines.push(`round ${i + 1}`);
    for (const step of round) {
      if (step.do === "put") {
        const { namespace, name, service, team, weight, http, addresses } = step.sketch;
        const held = addresses.map(({ ip, is }) => `${ip} ${is}`).join(", ");
        const more = `${team}, http ${http ?? "-"}${weight === undefined ? "" : `, weight ${weight}`}`;
        lines.push(`  put ${namespace}/${name} of ${service ?? "no service"} (${more}): ${held || "nothing"}`);
      } else {
        const { do: what, ...rest } = step;
        lines.push(`  ${what} ${Object.keys(rest).length === 0 ? "" : JSON.stringify(rest)}`.trimEnd());
      }
    }
  }
  return lines.join("\n");
}
