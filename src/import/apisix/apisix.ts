import type { Importer } from "../importer.ts";
import { apisixText } from "./text.ts";

/** APISIX's config.yaml, and its standalone apisix.yaml or apisix.json. */
export const apisix: Importer = {
  name: "APISIX",
  files: "several",
  switches: [],
  text: apisixText,
  convert: () => ({}),
};
