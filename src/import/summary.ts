import { deniesAll } from "./deny-all.ts";
import { Commented, type YamlMapping, type YamlValue } from "./document.ts";
import { StandIn } from "./stand-in.ts";

/** How many routes of the imported files became what. A route of theirs may have become several. */
export interface ImportSummary {
  readonly routes: number;
  /** In whose place something refuses their requests. */
  readonly leftOut: number;
  /** That refuse everybody, since what guarded them is not there. */
  readonly shut: number;
  /** Whether every route refuses everybody, for something that guarded all of them. */
  readonly allShut: boolean;
}

const plain = (made: YamlValue | undefined): YamlMapping | undefined =>
  (made instanceof Commented ? made.value : made) as YamlMapping | undefined;

/** Counts what an importer made by what it was made of. */
export function summaryOf(made: YamlMapping): ImportSummary {
  const routes = (made.routes ?? []) as readonly Commented[];
  const origins = (kept: (route: Commented) => boolean): number =>
    new Set(routes.filter(kept).map(({ from }) => JSON.stringify(from.map(({ file, path }) => [file, path])))).size;
  const middleware = (of: YamlValue | undefined): YamlValue | undefined => {
    const value = plain(of)?.middleware;
    return value instanceof Commented ? value.value : value;
  };
  return {
    routes: origins(() => true),
    leftOut: origins((route) => route instanceof StandIn),
    shut: origins((route) => !(route instanceof StandIn) && deniesAll(middleware(route))),
    allShut: deniesAll(middleware(made.defaults)),
  };
}

/** The counts in one line, such as "12 routes, 1 left out, 2 shut". */
export function summaryLine({ routes, leftOut, shut, allShut }: ImportSummary): string {
  const parts = [
    `${routes} ${routes === 1 ? "route" : "routes"}`,
    ...(leftOut === 0 ? [] : [`${leftOut} left out`]),
    ...(shut === 0 ? [] : [`${shut} shut`]),
    ...(allShut ? ["all of them shut by defaults.middleware"] : []),
  ];
  return parts.join(", ");
}
