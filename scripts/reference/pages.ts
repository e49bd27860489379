import { commandsPage } from "./commands.ts";
import { configPage, middlewarePage } from "./keys.ts";
import { codesPage, logPage, metricsPage } from "./outputs.ts";

/** The pages of docs/reference, by file name: each is made from where its subject is defined. */
export const REFERENCE: Readonly<Record<string, () => string>> = {
  "config.md": configPage,
  "middleware.md": middlewarePage,
  "metrics.md": metricsPage,
  "codes.md": codesPage,
  "log.md": logPage,
  "commands.md": commandsPage,
};
