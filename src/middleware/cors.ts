import { cors as honoCors } from "hono/cors";
import * as v from "valibot";
import { key, optional, withDefault } from "../base/schema/key.ts";
import { keywords, list, object, oneOf } from "../base/schema/shapes.ts";
import { boolean, headerName, integer, regexSource, shown, shownText, token } from "../base/schema/values.ts";
import { honoOptions } from "./hono-options.ts";
import { plugin } from "./plugin.ts";

const ORIGIN = "an origin such as https://app.example.org, or *";

const METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "QUERY"];

const options = v.pipe(
  object({
    origin: withDefault(
      oneOf(
        [
          shownText(ORIGIN),
          list(shownText(ORIGIN), "origins"),
          object({ regex: key(shown(regexSource), { help: "Found in the origin as a whole." }) }),
        ],
        `${ORIGIN}, a list of them, or a mapping of regex`,
      ),
      "*",
      { help: "Origins whose pages may read answers: one, several, or *, which is all." },
    ),
    allow_methods: withDefault(list(token("an HTTP method such as GET"), "HTTP methods"), METHODS, {
      help: "Methods that a preflight request is allowed.",
    }),
    allow_headers: optional(list(headerName, "header names"), {
      help: "Request headers that a preflight request is allowed; by default those that it asks for.",
    }),
    expose_headers: optional(list(headerName, "header names"), {
      help: "Headers of answers that pages may read beside the usual ones; by default none.",
    }),
    max_age: optional(integer(0), {
      help: "Seconds that browsers may keep the answer to a preflight request; by default each browser's own time.",
    }),
    credentials: withDefault(boolean, false, {
      help: "Whether requests may come with cookies and the like; needs an origin other than *.",
    }),
  }),
  v.check(
    ({ origin, credentials }) => !(credentials && (origin === "*" || (Array.isArray(origin) && origin.includes("*")))),
    "a mapping whose origin names origins, as credentials: true needs (browsers refuse them for *)",
  ),
  keywords({
    not: {
      required: ["credentials"],
      properties: {
        credentials: { const: true },
        origin: { anyOf: [{ const: "*" }, { type: "array", contains: { const: "*" } }] },
      },
    },
  }),
);

type Origin = v.InferOutput<typeof options>["origin"];

function originRule(origin: Origin): string | string[] | ((origin: string) => string | null) {
  if (typeof origin === "string") return origin;
  if (Array.isArray(origin)) return origin.includes("*") ? "*" : origin;
  // The whole origin: one that only begins like an allowed one is another site's.
  const pattern = new RegExp(`^(?:${origin.regex})$`);
  return (asked) => (asked !== "" && pattern.test(asked) ? asked : null);
}

/** `cors`: Hono's; answers preflight requests itself. `max_age` in seconds. */
export const cors = plugin(
  { help: "Cross-origin requests (CORS); answers preflight requests itself with 204.", options },
  ({ origin, ...rest }) => honoCors({ ...honoOptions(rest), origin: originRule(origin) }),
);
