import { requestId } from "hono/request-id";
import { withDefault } from "../base/schema/key.ts";
import { object } from "../base/schema/shapes.ts";
import { headerName, integer } from "../base/schema/values.ts";
import { type MiddlewareContext, plugin } from "./plugin.ts";

const options = object({
  header_name: withDefault(headerName, "x-request-id", { help: "The header that the id stands in." }),
  limit_length: withDefault(integer(1, 128), 128, {
    help: "Characters that a client's own id may have; a longer one is replaced.",
  }),
});

/** `request_id`: Hono's; the upstream gets the id too, and it is the access log's where that is on. */
export const request_id = plugin(
  {
    help: "Gives every request an id, for the upstream, the client and the access log. A client's own is kept where it is of letters, digits and _ - = alone and not too long.",
    options,
  },
  ({ header_name, limit_length }) => {
    const handler = requestId({
      headerName: header_name,
      limitLength: limit_length,
      generator: (c) => (c.env as MiddlewareContext).outcome.entry?.id ?? crypto.randomUUID(),
    });
    return (c, next) =>
      handler(c, () => {
        c.env.upstreamHeaders.push([header_name, c.get("requestId")]);
        return next();
      });
  },
);
