import { apisix } from "./apisix/apisix.ts";
import type { Importer } from "./importer.ts";
import { ocelot } from "./ocelot/ocelot.ts";

/** The formats that can be imported, by the word that names them on the command line. */
export const IMPORTERS: Readonly<Record<string, Importer>> = { apisix, ocelot };
