import type { Context } from "hono";
import { basicAuth } from "hono/basic-auth";
import { bearerAuth } from "hono/bearer-auth";
import * as v from "valibot";
import { keywords, list, object, oneOf } from "../base/schema/shapes.ts";
import { boolean, headerName, shown, shownPart, text } from "../base/schema/values.ts";
import { consumerName, identify } from "./consumers.ts";
import { type PassageEnv, plugin } from "./plugin.ts";

const USERNAME = "a user name without : and control characters (RFC 7617 section 2)";
const PASSWORD = "a password, or a text such as ${PASSWORD}";
const TOKEN = "a token, or a text such as ${API_TOKEN}";

/** What stands before the colon in the credentials a client sends. */
const username = v.pipe(
  text(USERNAME),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it may not hold
  v.regex(/^[^:\u0000-\u001f\u007f]*$/, USERNAME),
);

const user = object({ username, password: text(PASSWORD), consumer: v.optional(consumerName) });

const basicOptions = v.pipe(
  object({
    username: v.optional(username),
    password: v.optional(text(PASSWORD)),
    users: v.optional(list(user, "users")),
    realm: v.optional(shownPart, "Secure Area"),
    hide_credentials: v.optional(boolean, false),
    consumer_header: v.optional(headerName),
  }),
  v.check(
    ({ username, password, users }) =>
      (username === undefined) === (password === undefined) && (username !== undefined || users !== undefined),
    "a mapping of username with password, or of users",
  ),
  keywords({
    anyOf: [{ required: ["username"] }, { required: ["users"] }],
    dependencies: { username: ["password"], password: ["username"] },
  }),
);

/**
 * `basic_auth`: Hono's; one user or several. A user is a consumer by the name of `consumer`, else of `username`; the
 * upstream is told it in `consumer_header`, and gets the password too unless `hide_credentials`.
 */
export const basic_auth = plugin(basicOptions, (options) => {
  const { username, password, users = [], realm, hide_credentials, consumer_header } = options;
  const all = username === undefined ? users : [{ username, password: password! }, ...users];
  const names = new Map(
    all.map((one) => [one.username, "consumer" in one ? (one.consumer ?? one.username) : one.username]),
  );
  const [first, ...more] = all.map((one) => ({ username: one.username, password: one.password }));
  const onAuthSuccess = (c: Context<PassageEnv>, user: string): void => {
    identify(c, names.get(user)!, consumer_header ?? false);
    if (hide_credentials) c.env.sets.push(["authorization", undefined]);
  };
  return basicAuth({ ...first!, onAuthSuccess: onAuthSuccess as never, realm }, ...more);
});

const bearerOptions = object({
  token: oneOf([text(TOKEN), list(text(TOKEN), "tokens")], `${TOKEN}, or a list of them`),
  realm: v.optional(shownPart),
  prefix: v.optional(shown(v.string("a text")), "Bearer"),
  header_name: v.optional(headerName, "authorization"),
});

/** `bearer_auth`: Hono's; one token or several. */
export const bearer_auth = plugin(bearerOptions, ({ token, realm, prefix, header_name }) =>
  bearerAuth({ token, prefix, headerName: header_name, ...(realm !== undefined && { realm }) }),
);
