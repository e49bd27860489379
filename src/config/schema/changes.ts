import * as v from "valibot";
import { withDefault } from "../../base/schema/key.ts";
import { list, object, off, oneOf, record } from "../../base/schema/shapes.ts";
import { anyText, headerName, headerValue, nonEmpty } from "../../base/schema/values.ts";
import { TEMPLATE_PARTS } from "../../routing/template.ts";

const HEADER_CHANGES = "a mapping of header names to texts or lists of texts";

/** A field, several of one name, or `false`: what `defaults` say of it does not count. */
const headerValues = oneOf([headerValue, list(headerValue, "texts"), off], "a text, a list of texts, or false");

/** Changes of the headers of a request or an answer. */
export const headerChangesSchema = object({
  set: withDefault(
    record(headerName, headerValues, HEADER_CHANGES),
    {},
    {
      help: "In place of what is there; a list is as many headers of that name. false: what defaults change of this header does not count.",
    },
  ),
  add: withDefault(
    record(headerName, headerValues, HEADER_CHANGES),
    {},
    {
      help: "Beside what is there; a list is as many headers of that name. false: what defaults change of this header does not count.",
    },
  ),
  remove: withDefault(v.array(headerName, "a list of header names"), [], { help: "Taken out, after set and add." }),
});

const PARAMETERS = "a mapping of parameters to texts or lists of texts, in which {name} is a part of the request";

/** Names as they mean, values with parts of the request. */
export const queryChanges = object({
  set: withDefault(
    record(nonEmpty, oneOf([anyText, list(anyText, "texts")], "a text, or a list of texts"), PARAMETERS),
    {},
    {
      help: `In place of all parameters of that name; a list is as many parameters. In values stand parts of the route's own path template, and of the request: ${TEMPLATE_PARTS}.`,
    },
  ),
  remove: withDefault(v.array(nonEmpty, "a list of parameters"), [], { help: "Parameters that are taken out." }),
});
