import type { EmbeddedApiserver } from "../../../src/demo/apiserver.ts";
import { type Kind, type Manifest, reckon, type Sees, serviceOf } from "./world.ts";

/** What a reader saw that never was, or was no more. */
export class Violation extends Error {
  override name = "Violation";
}

interface Moment {
  /** The apiserver's version from which on it was so. */
  readonly version: string;
  readonly nodes: string;
}

/**
 * Every set of nodes each service ever had, in the apiserver's order, and how far along it each reader has come.
 *
 * Every write is one version and one event, so the states a service ever had are those after each prefix of the event
 * order: for a service of several slices that is the union of its slices as they stood at that version, with the
 * states between two slices' events among them. A reader may skip states (a relist does) and may lag, but what it sees
 * must be one of them, and never an earlier one than it saw before. An error that shrank or mixed a set would show as a
 * state that never was, or was before.
 */
export interface History {
  /** The states of a service so far, oldest first; the first is "nothing known". */
  of(service: string): readonly Moment[];
  /** Notes what a reader sees of a service now. Throws a `Violation`. */
  saw(service: string, nodes: string): void;
  /** What the apiserver's own list says now. */
  now(service: string): string;
  stop(): void;
}

/** Follows an apiserver from its beginning. */
export function recordHistory(api: EmbeddedApiserver, kind: Kind, sees: Sees): History {
  const moments = new Map<string, Moment[]>();
  const reached = new Map<string, number>();
  const owners = new Map<string, string>();

  const objectsOf = (service: string): Manifest[] =>
    (api.list(kind) as Manifest[]).filter((object) => sees(object) && serviceOf(object, kind) === service);
  const now = (service: string): string => reckon(objectsOf(service), kind);
  const of = (service: string): Moment[] => {
    let known = moments.get(service);
    if (known === undefined) {
      known = [{ version: "0", nodes: "" }];
      moments.set(service, known);
    }
    return known;
  };
  const note = (service: string | undefined, version: string): void => {
    if (service === undefined) return;
    const known = of(service);
    const nodes = now(service);
    if (known.at(-1)!.nodes !== nodes) known.push({ version, nodes });
  };

  const stop = api.onChange((type, object) => {
    if (object.kind !== kind) return;
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const before = owners.get(key);
    const after = type === "DELETED" ? undefined : serviceOf(object, kind);
    if (after === undefined) owners.delete(key);
    else owners.set(key, after);
    note(before, object.metadata.resourceVersion);
    if (after !== before) note(after, object.metadata.resourceVersion);
  });

  return {
    of,
    now,
    stop,
    saw(service, nodes) {
      const known = of(service);
      const from = reached.get(service) ?? 0;
      // The earliest state that fits leaves most room for what comes: nothing legal is ever refused.
      const at = known.findIndex((moment, i) => i >= from && moment.nodes === nodes);
      if (at !== -1) {
        reached.set(service, at);
        return;
      }
      const was = known.findLastIndex((moment) => moment.nodes === nodes);
      const how = was === -1 ? "never was" : `was last at version ${known[was]!.version}, before what was seen already`;
      const states = known.map(
        ({ version, nodes: text }, i) => `  ${i === from ? "*" : " "} ${version}: ${text || "(none)"}`,
      );
      throw new Violation(`${service}: a reader sees ${nodes || "(none)"}, which ${how}\n${states.join("\n")}`);
    },
  };
}
