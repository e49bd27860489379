/** `bun run reference`: writes docs/reference from where each key, option, metric, code and message is defined. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REFERENCE } from "./pages.ts";

const FOLDER: string = join(import.meta.dir, "../../docs/reference");

mkdirSync(FOLDER, { recursive: true });
for (const [name, page] of Object.entries(REFERENCE)) writeFileSync(join(FOLDER, name), page());
