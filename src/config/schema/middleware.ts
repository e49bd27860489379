import * as v from "valibot";
import { key, optional } from "../../base/schema/key.ts";
import { keywords, object, off, wantedBy } from "../../base/schema/shapes.ts";
import { shownText } from "../../base/schema/values.ts";
import type { RawMiddleware } from "../../middleware/catalog.ts";
import type { MiddlewareKinds } from "../../middleware/options.ts";
import { NO_FILES } from "./unsupported.ts";

const WANTED = "a mapping of one middleware such as {cors: {…}} or {use: ./mine.ts, options: {…}}";

/** What a middleware takes, or `false`: the one of that name in `defaults` does not count for this route. */
function switchable<const Options extends v.GenericSchema>(options: Options) {
  const union = v.union([options, off], wantedBy(options));
  const run: (typeof union)["~run"] = (dataset, config) =>
    dataset.value === false ? union["~run"](dataset, config) : (options["~run"](dataset, config) as never);
  return v.optional({ ...union, "~run": run });
}

/** One entry of `middleware:`: exactly one name, or `use` with the user's own module. */
export function middlewareSchema(kinds: MiddlewareKinds): v.GenericSchema<unknown, RawMiddleware> {
  const entries = {
    ...Object.fromEntries(
      Object.entries(kinds).map(([name, { help, options }]) => [name, key(switchable(options), { help })]),
    ),
    use: key(switchable(shownText("the path of a module, relative to this file, such as ./mine.ts")), {
      help: "A middleware of your own: a module whose default export makes a Hono middleware of options.",
      workers: NO_FILES,
    }),
    options: optional(v.unknown(), { help: "Handed to the module that use names; any value, by default none." }),
  };
  const schema = v.pipe(
    object(entries, WANTED),
    v.check((entry) => {
      const named = Object.keys(entry).filter((name) => name !== "options");
      return named.length === 1 && (!("options" in entry) || named[0] === "use");
    }, WANTED),
    keywords({
      anyOf: [
        { minProperties: 1, maxProperties: 1, not: { required: ["options"] } },
        { minProperties: 2, maxProperties: 2, required: ["use", "options"] },
      ],
    }),
  );
  return schema as v.GenericSchema<unknown, RawMiddleware>;
}
