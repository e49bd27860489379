import type { Paths } from "../http/readings.ts";

/** A path rule; exactly one of the kinds. */
export type PathRule = { readonly ignore_case?: boolean | undefined } & (
  | { readonly exact: string }
  /** By whole segments. */
  | { readonly prefix: string }
  | { readonly starts_with: string }
  | { readonly template: string; readonly optional_slash?: boolean | undefined }
  | { readonly regex: string }
);

/** What a value must be. */
export type ValueRule = string | { readonly regex: string } | { readonly in: readonly string[] };
/** A rule for a header, a cookie or a query parameter; `not` also fits one that is absent. */
export type MatchRule = ValueRule | { readonly present: boolean } | { readonly not: ValueRule };
/** Rules by the name of the header, cookie or parameter; all of them have to hold. */
export type MatchRules = Readonly<Record<string, MatchRule>>;

/** Header names in lower case. `set` replaces, `add` appends, `remove` drops. */
export interface HeaderChanges {
  readonly set: Readonly<Record<string, string | readonly string[]>>;
  readonly add: Readonly<Record<string, string | readonly string[]>>;
  readonly remove: readonly string[];
}

/** Values are templates. `set` replaces all parameters of a name, `remove` drops them. */
export interface QueryChanges {
  readonly set: Readonly<Record<string, string | readonly string[]>>;
  readonly remove: readonly string[];
}

/** How the path is changed on its way to the upstream. */
export type RewritePath =
  | { readonly replace_prefix: string }
  | { readonly replace: string }
  | { readonly template: string }
  | { readonly regex: string; readonly to: string };

/** A route that answers by itself with a Location. */
export interface RedirectConfig {
  readonly status: 301 | 302 | 303 | 307 | 308;
  readonly scheme?: "http" | "https" | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | { readonly replace: string } | { readonly replace_prefix: string } | undefined;
  readonly location?: string | undefined;
  readonly regex?: string | undefined;
}

/** What routing reads of a route, every default filled in: which requests it takes, and what becomes of their path. */
export interface RouteRule {
  readonly id: string;
  /** The greater comes first. */
  readonly priority: number;
  /** In lower case, without port, `*.` only in front; left out: any host. */
  readonly hosts?: readonly string[] | undefined;
  readonly path: PathRule;
  /** How paths are read that servers read differently. @default "reject" */
  readonly paths?: Paths | undefined;
  /** Left out: any method. */
  readonly methods?: readonly string[] | undefined;
  readonly headers?: MatchRules | undefined;
  readonly cookies?: MatchRules | undefined;
  readonly query?: MatchRules | undefined;
  readonly strip_prefix?: string | undefined;
  readonly rewrite_path?: RewritePath | undefined;
  readonly redirect?: RedirectConfig | undefined;
}
