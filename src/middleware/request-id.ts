import { requestId } from "hono/request-id";
import * as v from "valibot";
import { object } from "../base/schema/shapes.ts";
import { headerName, integer } from "../base/schema/values.ts";
import { type Passage, plugin } from "./plugin.ts";

const options = object({
  header_name: v.optional(headerName, "x-request-id"),
  limit_length: v.optional(integer(1, 128), 128),
});

/** `request_id`: Hono's; the upstream gets the id too, and it is the access log's where that is on. */
export const request_id = plugin(options, ({ header_name, limit_length }) => {
  const handler = requestId({
    headerName: header_name,
    limitLength: limit_length,
    generator: (c) => (c.env as Passage).exchange?.id ?? crypto.randomUUID(),
  });
  return (c, next) =>
    handler(c, () => {
      c.env.sets.push([header_name, c.get("requestId")]);
      return next();
    });
});
