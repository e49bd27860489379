import * as v from "valibot";
import { isAddress, isHostName, isIpv6, stripBrackets } from "../../base/addresses.ts";
import { key } from "../../base/schema/key.ts";
import { keywords, list, object, oneOf } from "../../base/schema/shapes.ts";
import { anyText, boolean, HOST_SHAPE, regexSource, shown, token } from "../../base/schema/values.ts";

const matchRegex = (help: string) => object({ regex: key(regexSource, { help }) });
const matchIn = (help: string) => object({ in: key(list(anyText, "texts"), { help }) });

const notThis = oneOf(
  [anyText, matchRegex("Not found anywhere in the value."), matchIn("None of these.")],
  "a text, or a mapping of exactly one of regex, in",
);

/**
 * A header, cookie or query parameter: equal to a text or one of several, matching a regular expression, or just there;
 * `not`, which one that is not there fits too.
 */
export const match = oneOf(
  [
    anyText,
    matchRegex("Found anywhere in the value unless it says ^ or $."),
    matchIn("It must be one of these."),
    object({ present: key(boolean, { help: "true: it must be there, with any value. false: it must not be there." }) }),
    object({ not: key(notThis, { help: "It must be anything else, or not be there." }) }),
  ],
  "a text, or a mapping of exactly one of regex, in, present, not",
);

const HOST_PATTERN = 'a host name without port, such as sd.example.org or "*.example.org"';

/** What requests' hosts are compared with: lower case, an IPv6 address in brackets, `*.` only in front. */
export const hostPattern = v.pipe(
  shown(v.string(HOST_PATTERN)),
  v.toLowerCase(),
  v.check((name) => {
    const bare = stripBrackets(name.startsWith("*.") ? name.slice(2) : name);
    return isHostName(bare) || (isAddress(bare) && !name.startsWith("*."));
  }, HOST_PATTERN),
  keywords({ pattern: `^(?:\\*\\.)?(?:${HOST_SHAPE})$` }),
  v.transform((name) => (isIpv6(name) ? `[${name}]` : name)),
);

const METHOD = "an HTTP method such as GET";

/** Methods are compared in upper case. */
export const method = v.pipe(token(METHOD), v.toUpperCase());
