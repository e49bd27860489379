import type { Importer } from "../importer.ts";
import { literalText } from "../notation.ts";

/** Ocelot's ocelot.json. */
export const ocelot: Importer = {
  name: "Ocelot",
  files: "one",
  switches: ["use-host"],
  anyCase: true,
  text: literalText,
  convert: () => ({}),
};
