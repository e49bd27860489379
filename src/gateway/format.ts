import { fileFormat } from "../config/schema.ts";
import { MIDDLEWARE } from "../middleware/catalog.ts";

/** The format of the config file with the middleware that this gateway has. */
export const FORMAT = fileFormat(MIDDLEWARE);
