import type { Path } from "../config/issues.ts";
import type { YamlMapping } from "./document.ts";
import type { Input, Unread } from "./input.ts";

/** A format of another gateway that is read here. */
export interface Importer {
  /** Whose format it is, for messages. */
  readonly name: string;
  /** Switches of the command line it knows, without their dashes, and what each does. */
  readonly switches: readonly { readonly name: string; readonly help: string }[];
  /**
   * Brings the texts of its files into the notation of gateway.yaml: `${NAME}` is a variable there, `$${` a literal
   * `${`.
   */
  text(written: string): string;
  /** Whether its keys mean the same in any case. */
  readonly anyCase?: boolean;
  /** What comes nearest to a key that is not read; undefined: nothing. Left out: nothing does of any. */
  why?(path: Path): Unread | undefined;
  /** Brings a whole file into YAML (JSON is YAML) without moving anything; left out: it is YAML. */
  prepare?(content: string): string;
  /** What is wrong with the files as a whole; left out: nothing can be. */
  refuse?(roots: readonly Input[]): string | undefined;
  /** Makes the gateway's file of the other's; never throws. `on` tells which switches are there. */
  convert(roots: readonly Input[], on: (name: string) => boolean): YamlMapping;
}
