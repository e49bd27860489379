import { moduleSuite } from "../middleware/module-suite.ts";
import { startOnDeno } from "./deno.ts";

moduleSuite("Deno", (options) => startOnDeno(options));
