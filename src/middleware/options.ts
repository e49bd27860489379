import type { GenericSchema } from "valibot";

/** What is known of a kind of middleware beside how it is made: all that the format of the config file needs of it. */
export interface MiddlewareKind<Schema extends GenericSchema = GenericSchema> {
  /** What it is for, in a sentence or two. */
  readonly help: string;
  readonly options: Schema;
  /** Whether it may refuse a client for who it is. */
  readonly guards?: boolean;
  /** Whether it counts requests, in this process: entries may then share a count by their `group`. */
  readonly counts?: boolean;
}

/** The kinds there are, by the name that an entry of `middleware:` has. */
export type MiddlewareKinds = Readonly<Record<string, MiddlewareKind>>;
