import type { Context } from "hono";
import { basicAuth } from "hono/basic-auth";
import { bearerAuth } from "hono/bearer-auth";
import * as v from "valibot";
import { key, optional, withDefault } from "../base/schema/key.ts";
import { keywords, list, object, oneOrMany } from "../base/schema/shapes.ts";
import { headerName, shown, shownPart, text } from "../base/schema/values.ts";
import { consumerName, hideCredentials, identify } from "./consumers.ts";
import { honoOptions } from "./hono-options.ts";
import { type MiddlewareEnv, plugin } from "./plugin.ts";

const USERNAME = "a user name without : and control characters (RFC 7617 section 2)";
const PASSWORD = "a password, or a text such as ${PASSWORD}";
const TOKEN = "a token, or a text such as ${API_TOKEN}";

/** The part before the colon in the credentials a client sends. */
const username = v.pipe(
  text(USERNAME),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it may not hold
  v.regex(/^[^:\u0000-\u001f\u007f]*$/, USERNAME),
);

const user = object({
  username: key(username, { help: "The user's name." }),
  password: key(text(PASSWORD), { help: "The user's password." }),
  consumer: optional(consumerName, { help: "The consumer that this user is; by default one of the user's name." }),
});

const basicOptions = v.pipe(
  object({
    username: optional(username, { help: "The name of the one user; password stands beside it." }),
    password: optional(text(PASSWORD), { help: "That user's password." }),
    users: optional(list(user, "users"), { help: "Several users, each with a password." }),
    realm: withDefault(shownPart, "Secure Area", { help: "The realm of WWW-Authenticate, which browsers show." }),
    hide_credentials: hideCredentials,
    consumer_header: optional(headerName, {
      help: "The header in which the upstream gets the consumer's name, whatever the client sent there; by default none.",
    }),
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
 * upstream gets it in `consumer_header`, and the password too unless `hide_credentials`.
 */
export const basic_auth = plugin(
  {
    help: "Asks for user name and password (RFC 7617): one user, or several in users. Others get 401.",
    options: basicOptions,
    guards: true,
  },
  (options) => {
    const { username, password, users = [], realm, hide_credentials, consumer_header } = options;
    const all = username === undefined ? users : [{ username, password: password! }, ...users];
    const names = new Map(
      all.map((one) => [one.username, "consumer" in one ? (one.consumer ?? one.username) : one.username]),
    );
    const [first, ...more] = all.map((one) => ({ username: one.username, password: one.password }));
    const onAuthSuccess = (c: Context<MiddlewareEnv>, user: string): void => {
      identify(c, names.get(user)!, consumer_header ?? false);
      if (hide_credentials) c.env.upstreamHeaders.push(["authorization", undefined]);
    };
    return basicAuth({ ...first!, onAuthSuccess: onAuthSuccess as never, realm }, ...more);
  },
);

const bearerOptions = object({
  token: key(oneOrMany(text(TOKEN), "tokens"), {
    help: "The token that is let in, or several.",
  }),
  realm: optional(shownPart, { help: "The realm of WWW-Authenticate; by default an empty one." }),
  prefix: withDefault(shown(v.string("a text")), "Bearer", {
    help: "What stands before the token in the header; empty: the header is the token alone.",
  }),
  header_name: withDefault(headerName, "authorization", { help: "The header that the token comes in." }),
});

/** `bearer_auth`: Hono's; one token or several. */
export const bearer_auth = plugin(
  {
    help: "Asks for one of these tokens (RFC 6750). Others get 401, and 400 where the header is not well formed.",
    options: bearerOptions,
    guards: true,
  },
  (options) => bearerAuth(honoOptions(options)),
);
