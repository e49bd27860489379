import { basicAuth } from "hono/basic-auth";
import { bearerAuth } from "hono/bearer-auth";
import * as v from "valibot";
import { headerName, list, object, oneOf, text } from "../config/values.ts";
import { plugin } from "./plugin.ts";

const USERNAME = "a user name";
const PASSWORD = "a password, or a text such as ${PASSWORD}";
const TOKEN = "a token, or a text such as ${API_TOKEN}";

const user = object({ username: text(USERNAME), password: text(PASSWORD) });

const basicOptions = v.pipe(
  object({
    username: v.optional(text(USERNAME)),
    password: v.optional(text(PASSWORD)),
    users: v.optional(list(user, "users")),
    realm: v.optional(text("a text")),
  }),
  v.check(
    ({ username, password, users }) =>
      (username === undefined) === (password === undefined) && (username !== undefined || users !== undefined),
    "a mapping of username with password, or of users",
  ),
);

/** `basic_auth`: Hono's; one user or several. */
export const basic_auth = plugin(basicOptions, ({ username, password, users = [], realm }) => {
  const all = username === undefined ? users : [{ username, password: password! }, ...users];
  const [first, ...more] = all;
  return basicAuth({ ...first!, ...(realm !== undefined && { realm }) }, ...more);
});

const bearerOptions = object({
  token: oneOf([text(TOKEN), list(text(TOKEN), "tokens")], `${TOKEN}, or a list of them`),
  realm: v.optional(text("a text")),
  prefix: v.optional(v.string("a text")),
  header_name: v.optional(headerName),
});

/** `bearer_auth`: Hono's; one token or several. */
export const bearer_auth = plugin(bearerOptions, ({ token, realm, prefix, header_name }) =>
  bearerAuth({
    token,
    ...(realm !== undefined && { realm }),
    ...(prefix !== undefined && { prefix }),
    ...(header_name !== undefined && { headerName: header_name }),
  }),
);
