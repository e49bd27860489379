import type { IncomingRequest } from "../http/request.ts";
import { type Condition, type ConditionReader, compileConditions, createConditionReader, holds } from "./conditions.ts";
import type { Entry, PathTest } from "./precedence.ts";
import { redirectTest } from "./redirect.ts";

/** A request while it is being matched. */
export interface Lookup {
  readonly facts: IncomingRequest;
  /** The path in the form rules are compared with. */
  readonly path: string;
  /** Made when a rule first needs a header or parameter: most routes do not. */
  reader: ConditionReader | undefined;
}

const readValue = (lookup: Lookup, { of, name }: Condition): string | null => {
  lookup.reader ??= createConditionReader(lookup.facts);
  return lookup.reader.value(of, name);
};

/** Finds a request's entry among some of them. */
export interface Finder<T> {
  /** The lowest `order` among them. */
  readonly first: number;
  /** The first in precedence that matches, if its order is below `below`. */
  find(lookup: Lookup, below: number): Entry<T> | undefined;
}

/** From this many entries on, an index over a header or parameter is cheaper than trying one after the other. */
const WORTH_AN_INDEX = 8;

interface Candidate<T> {
  readonly entry: Entry<T>;
  readonly methods: ReadonlySet<string> | undefined;
  /** Only where the path pattern alone does not decide. */
  readonly fits: ((path: string) => boolean) | undefined;
  /** Whether the route's redirect applies to a path as it was sent. */
  readonly redirects: ((path: string) => boolean) | undefined;
  readonly conditions: readonly Condition[];
}

const matches = ({ methods, fits, redirects, conditions }: Candidate<unknown>, lookup: Lookup): boolean => {
  if (methods !== undefined && !methods.has(lookup.facts.method)) return false;
  if (fits !== undefined && !fits(lookup.path)) return false;
  if (redirects !== undefined && !redirects(lookup.facts.path)) return false;
  for (const condition of conditions) {
    if (!holds(condition, readValue(lookup, condition))) return false;
  }
  return true;
};

/** Candidates that are tried one after the other. */
class OneByOne<T> implements Finder<T> {
  readonly first: number;
  readonly #candidates: readonly Candidate<T>[];

  constructor(candidates: readonly Candidate<T>[]) {
    this.first = candidates[0]?.entry.order ?? Number.POSITIVE_INFINITY;
    this.#candidates = candidates;
  }

  find(lookup: Lookup, below: number): Entry<T> | undefined {
    for (const candidate of this.#candidates) {
      if (candidate.entry.order >= below) return undefined;
      if (matches(candidate, lookup)) return candidate.entry;
    }
    return undefined;
  }
}

/** The only entry of its path, which asks for nothing else: what most routes are. */
class PathAlone<T> implements Finder<T> {
  readonly first: number;
  readonly #entry: Entry<T>;

  constructor(entry: Entry<T>) {
    this.first = entry.order;
    this.#entry = entry;
  }

  find(_lookup: Lookup, below: number): Entry<T> | undefined {
    return this.first < below ? this.#entry : undefined;
  }
}

function inTurn<T>(candidates: readonly Candidate<T>[]): Finder<T> {
  const [one] = candidates;
  return candidates.length === 1 && one !== undefined && asksForNothing(one)
    ? new PathAlone(one.entry)
    : new OneByOne(candidates);
}

const asksForNothing = ({ methods, fits, redirects, conditions }: Candidate<unknown>): boolean =>
  methods === undefined && fits === undefined && redirects === undefined && conditions.length === 0;

/** The exact value a candidate requires of this header or parameter, if it does. */
const required = ({ conditions }: Candidate<unknown>, { of, name }: Condition): string | undefined => {
  const condition = conditions.find((one) => one.of === of && one.name === name);
  return condition !== undefined && "equals" in condition.rule ? condition.rule.equals : undefined;
};

/** The header or parameter of which most candidates require an exact value. */
const mostRequired = (candidates: readonly Candidate<unknown>[], used: ReadonlySet<string>): Condition | undefined => {
  const seen = new Map<string, { condition: Condition; times: number }>();
  for (const condition of candidates.flatMap((candidate) => candidate.conditions)) {
    const key = `${condition.of} ${condition.name}`;
    if (!("equals" in condition.rule) || used.has(key)) continue;
    const known = seen.get(key);
    seen.set(key, { condition, times: (known?.times ?? 0) + 1 });
  }
  const most = [...seen.values()].reduce<{ condition?: Condition; times: number }>(
    (best, one) => (one.times > best.times ? one : best),
    { times: WORTH_AN_INDEX },
  );
  return most.condition;
};

const indexed = <T>(candidates: readonly Candidate<T>[], used: ReadonlySet<string>): Finder<T> => {
  const by = mostRequired(candidates, used);
  if (by === undefined) return inTurn(candidates);
  const split = Map.groupBy(candidates, (candidate) => required(candidate, by));
  const rest = indexed(split.get(undefined) ?? [], used);
  split.delete(undefined);
  const usedHere = new Set(used).add(`${by.of} ${by.name}`);
  const byValue = new Map([...split].map(([value, some]) => [value, indexed(some, usedHere)]));
  return {
    first: candidates[0]!.entry.order,
    find(lookup, below) {
      const value = readValue(lookup, by);
      const hit = value === null ? undefined : byValue.get(value)?.find(lookup, below);
      return rest.find(lookup, hit?.order ?? below) ?? hit;
    },
  };
};

const fitOf = (path: PathTest): Candidate<unknown>["fits"] => {
  if (path.kind === "start") return (asked) => asked.startsWith(path.start);
  return path.kind === "regex" || path.kind === "template" ? (asked) => path.pattern.test(asked) : undefined;
};

/**
 * Candidates of one path pattern, given in precedence order. Many of them that differ in the exact value of one header
 * or parameter are found through an index, so that they cost no more than a few; regular expressions are tried in turn.
 */
export function compileCandidates<T>(entries: readonly Entry<T>[]): Finder<T> {
  const candidates = entries.map(
    (entry): Candidate<T> => ({
      entry,
      methods: entry.rule.methods === undefined ? undefined : new Set(entry.rule.methods),
      fits: fitOf(entry.path),
      redirects: redirectTest(entry.rule),
      conditions: compileConditions(entry.rule),
    }),
  );
  return indexed(candidates, new Set());
}
