import { VERSION } from "../base/version.ts";
import { variableUses } from "../config/interpolate.ts";
import type { ConfigIssue } from "../config/issues.ts";
import { loadConfig } from "../config/load.ts";
import { readSource } from "../config/source.ts";
import { FORMAT } from "../gateway/format.ts";
import { Commented, printDocument, type YamlMapping, type YamlValue } from "./document.ts";
import { dependsOnEnvironment } from "./escaping.ts";
import type { Importer } from "./importer.ts";
import { type ImportIssue, type Input, type InputFile, readInput } from "./input.ts";
import { StandIn } from "./stand-in.ts";
import { type ImportSummary, summaryOf } from "./summary.ts";

/** A file to import. */
export interface ImportedFile {
  readonly name: string;
  readonly content: string;
}

/** What became of the files. */
export type Imported =
  | {
      readonly ok: true;
      /** The text of a gateway.yaml. */
      readonly gateway: string;
      /** What is not carried over, with the reason. */
      readonly leftovers: readonly ImportIssue[];
      /** What is carried over and differs. */
      readonly notes: readonly ImportIssue[];
      /** What `check` has against the result; the importer should have seen it. */
      readonly faults: readonly ConfigIssue[];
      readonly summary: ImportSummary;
      /** Variables of the environment that `check` needs set where it runs. */
      readonly variables: readonly string[];
    }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** Every variable is set: the result is checked where it does not run. */
const anyEnv = (env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> =>
  new Proxy(env, {
    get: (target, name) => Reflect.get(target, name) ?? "1",
    getOwnPropertyDescriptor: (target, name) =>
      Reflect.getOwnPropertyDescriptor(target, name) ?? {
        value: "1",
        configurable: true,
        enumerable: true,
        writable: false,
      },
  });

/** Imports files: prints what was made of them and gathers what was not carried over. Never throws. */
export function runImporter(
  importer: Importer,
  files: readonly ImportedFile[],
  on: (name: string) => boolean = () => false,
): Imported {
  const read = files.map(({ name, content }) =>
    readInput(name, importer.prepare?.(content) ?? content, {
      text: importer.text,
      anyCase: importer.anyCase,
      why: importer.why,
    }),
  );
  const issues = read.flatMap((file) => file.issues);
  if (issues.length > 0) return { ok: false, issues };
  const roots = read.map((file) => file.root);
  const refusal = importer.refuse?.(roots);
  if (refusal !== undefined) {
    return { ok: false, issues: [{ file: files[0]!.name, line: 1, column: 1, path: "", message: refusal }] };
  }
  let made = importer.convert(roots, on);
  for (;;) {
    const leftovers = read.flatMap((file) => file.leftovers());
    const gateway = printDocument(made, {
      heading: [
        `Made by podway ${VERSION} of ${importer.name}'s ${files.map(({ name }) => name).join(", ")}.`,
        "What could not be carried over is named beside what it belongs to, and was told when this was made.",
      ],
      leftovers,
      where: (input) => whereIs(input, read, roots),
    });
    const faults = faultsOf(gateway);
    const rest = withoutRefused(made, faults);
    if (rest === undefined) {
      const notes = read.flatMap((file) => file.notes());
      return { ok: true, gateway, leftovers, notes, faults, summary: summaryOf(made), variables: variablesOf(gateway) };
    }
    made = rest;
  }
}

/** What `check` has against a text. */
function faultsOf(text: string): readonly ConfigIssue[] {
  const env = anyEnv({ KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" });
  const checked = loadConfig({ format: FORMAT, file: "gateway.yaml", text, env, pod: { tokenFile: "/token" } });
  if (checked.ok) return [];
  const { root } = readSource({ file: "gateway.yaml", text, env: undefined });
  // What is not known yet is not judged by the value that was put in its place.
  return checked.errors.filter(({ path }) => !dependsOnEnvironment(valueAt(root, segmentsOf(path))));
}

/** Where a pod finds its apiserver. */
const APISERVER = ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"];

/** The variables without which `check` refuses a text outside a pod. */
function variablesOf(text: string): string[] {
  const { root } = readSource({ file: "gateway.yaml", text, env: undefined });
  const named = textsIn(root).flatMap((one) => variableUses(one).flatMap((use) => (use.hasDefault ? [] : [use.name])));
  const env = Object.fromEntries(named.map((name) => [name, "1"]));
  const checked = loadConfig({ format: FORMAT, file: "gateway.yaml", text, env, pod: {} });
  const alone = checked.ok || !checked.errors.some(({ message }) => APISERVER.some((name) => message.includes(name)));
  return [...new Set([...named, ...(alone ? [] : APISERVER)])].sort();
}

const textsIn = (value: unknown): string[] =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.values(value).flatMap(textsIn)
      : [];

const valueAt = (root: unknown, place: readonly (string | number)[]): unknown =>
  place.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    root,
  );

const refusedFor = ({ message }: ConfigIssue): string => `left out, since the gateway would refuse it: ${message}`;

/**
 * Without what `check` refuses: a part of discovery, streams, and routes, in whose place stand-ins refuse their
 * requests. Each is declined where it comes from. undefined: there is nothing more to take out.
 */
function withoutRefused(made: YamlMapping, faults: readonly ConfigIssue[]): YamlMapping | undefined {
  const rest: Record<string, YamlValue | undefined> = { ...made };
  let some = false;
  const found = faults.find(({ path }) => path.startsWith("discovery."));
  if (found !== undefined && made.discovery !== undefined) {
    rest.discovery = withoutPlace(made.discovery, placeIn(found), refusedFor(found));
    some = true;
  }
  // Entries of lists stand for themselves: one that cannot be must not keep the others away.
  for (const [key, replaced] of [
    ["routes", standInFor],
    ["streams", () => undefined],
  ] as const) {
    const list = made[key];
    if (!Array.isArray(list)) continue;
    const kept = (list as readonly YamlValue[]).flatMap((item, index): YamlValue[] => {
      const place = `${key}[${index}]`;
      const fault = faults.find(({ path }) => path === place || path.startsWith(`${place}.`));
      if (fault === undefined || !(item instanceof Commented)) return [item];
      for (const input of item.from) input.decline(refusedFor(fault), "access");
      some = true;
      const instead = replaced(item, fault);
      return instead === undefined ? [] : [instead];
    });
    rest[key] = kept.length === 0 ? undefined : kept;
  }
  return some ? rest : undefined;
}

/**
 * What of `discovery` goes with a fault. Without a part of its address or its credentials a cluster would be another
 * one: the pod's own.
 */
function placeIn({ path }: ConfigIssue): readonly (string | number)[] {
  const place = segmentsOf(path).slice(1);
  const part = place.findIndex((key) => key === "service" || key === "client");
  return part === -1 ? place : place.slice(0, part);
}

/** What refuses the requests of a route that `check` refuses: of more requests where it cannot be said of which. */
function standInFor(route: Commented, { path }: ConfigIssue): StandIn | undefined {
  const { value, comments: words, from } = route;
  if (!(route instanceof StandIn)) return new StandIn(value as YamlMapping, words, from);
  const [, , key] = segmentsOf(path);
  const { [String(key)]: refused, ...others } = value as YamlMapping;
  return refused === undefined ? undefined : new StandIn(others, words.slice(1), from);
}

/** The keys and indexes of a path as messages show it. */
const segmentsOf = (path: string): (string | number)[] =>
  [...path.matchAll(/\[([0-9]+)\]|([^.[\]]+)/g)].map(([, index, key]) => (index === undefined ? key! : Number(index)));

/**
 * Without the value at a place, or without the whole that lacks it; what it was made of is declined. The importers make
 * discovery of keys of the same names.
 */
function withoutPlace(
  value: YamlValue,
  place: readonly (string | number)[],
  why: string,
  from?: Input,
): YamlValue | undefined {
  if (value instanceof Commented) {
    const inner = withoutPlace(value.value, place, why, value.from[0] ?? from);
    return inner === undefined ? undefined : new Commented(inner, value.comments, value.from);
  }
  const [key, ...rest] = place;
  const child = key === undefined ? undefined : (value as Record<string | number, YamlValue | undefined>)?.[key];
  if (key === undefined || child === undefined) {
    from?.decline(why, "access");
    return undefined;
  }
  const below = typeof key === "number" ? from?.items()[key] : from?.at(key);
  const kept = withoutPlace(child, rest, why, below?.exists ? below : from);
  if (!Array.isArray(value)) return { ...(value as YamlMapping), [key]: kept };
  const list = (value as readonly YamlValue[]).flatMap((item, index) =>
    index !== key ? [item] : kept === undefined ? [] : [kept],
  );
  return list.length === 0 ? undefined : list;
}

function whereIs(input: Input, files: readonly InputFile[], roots: readonly Input[]): { path: string; line: number } {
  const file = files[roots.findIndex((root) => root.file === input.file)]!;
  return file.where(input.path);
}
