import { cors as honoCors } from "hono/cors";
import * as v from "valibot";
import { keywords, list, object, oneOf } from "../base/schema/shapes.ts";
import { boolean, headerName, integer, regexSource, shown, shownText, token } from "../base/schema/values.ts";
import { plugin } from "./plugin.ts";

const ORIGIN = "an origin such as https://app.example.org, or *";

const METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "QUERY"];

const options = v.pipe(
  object({
    origin: v.optional(
      oneOf(
        [shownText(ORIGIN), list(shownText(ORIGIN), "origins"), object({ regex: shown(regexSource) })],
        `${ORIGIN}, a list of them, or a mapping of regex`,
      ),
      "*",
    ),
    allow_methods: v.optional(list(token("an HTTP method such as GET"), "HTTP methods"), METHODS),
    allow_headers: v.optional(list(headerName, "header names")),
    expose_headers: v.optional(list(headerName, "header names")),
    max_age: v.optional(integer(0)),
    credentials: v.optional(boolean, false),
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
  // The whole origin: what only begins like one of ours is somebody else's.
  const pattern = new RegExp(`^(?:${origin.regex})$`);
  return (asked) => (asked !== "" && pattern.test(asked) ? asked : null);
}

/** `cors`: Hono's; answers preflight requests itself. `max_age` in seconds. */
export const cors = plugin(options, ({ origin, allow_methods, allow_headers, expose_headers, max_age, credentials }) =>
  honoCors({
    origin: originRule(origin),
    allowMethods: allow_methods,
    credentials,
    ...(allow_headers && { allowHeaders: allow_headers }),
    ...(expose_headers && { exposeHeaders: expose_headers }),
    ...(max_age !== undefined && { maxAge: max_age }),
  }),
);
