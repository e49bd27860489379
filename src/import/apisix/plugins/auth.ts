import { commented, type YamlMapping, type YamlValue } from "../../document.ts";
import type { Input } from "../../input.ts";
import { addMiddleware, type PluginActions } from "../actions.ts";
import { commentsOf } from "../comments.ts";
import { secretText } from "../text.ts";
import type { PluginContext, PluginRule } from "./plugin.ts";

/** A secret of a consumer; undefined: it has none here, and it is declined. */
function secretAt(conf: Input, key: string): string | undefined {
  const text = conf.at(key).text();
  const secret = text === undefined ? undefined : secretText(text);
  if (text !== undefined && secret === undefined)
    conf.at(key).decline("it is kept in a secret manager: put it into an environment variable");
  return secret;
}

/** The consumers with credentials for a plugin, as the middleware has them. */
function consumersOf(
  plugin: string,
  { consumers, uses }: PluginContext,
  made: (credentials: Input, name: string) => YamlMapping | undefined,
): YamlValue[] {
  uses(plugin);
  return consumers.flatMap((consumer): YamlValue[] => {
    const credentials = consumer.at("plugins").at(plugin);
    const name = consumer.at("username").text();
    if (!credentials.exists || name === undefined) return [];
    const one = made(credentials, name);
    return one === undefined ? [] : [commented(one, ...commentsOf(consumer))];
  });
}

/** Adds the middleware, or declines the plugin where no client could pass, or one that should not. */
function add(
  conf: Input,
  actions: PluginActions,
  order: number,
  consumers: readonly YamlValue[],
  made: YamlMapping,
): boolean {
  if (consumers.length === 0) {
    conf.decline("there is no consumer with credentials for it in these files: nobody could pass");
    return false;
  }
  if (conf.at("anonymous_consumer").exists) {
    conf.at("anonymous_consumer").decline("requests without credentials are refused");
  }
  return addMiddleware(actions, order, made, conf);
}

export const keyAuth: PluginRule = {
  order: 2500,
  convert(conf, actions, context, order) {
    const consumers = consumersOf("key-auth", context, (credentials, name) => {
      const key = secretAt(credentials, "key");
      return key === undefined ? undefined : { name, key };
    });
    const made = {
      header: conf.at("header").text() ?? "apikey",
      query: conf.at("query").text() ?? "apikey",
      hide_credentials: conf.at("hide_credentials").boolean(),
      consumers,
    };
    return add(conf, actions, order, consumers, { key_auth: made });
  },
};

export const basicAuth: PluginRule = {
  order: 2520,
  convert(conf, actions, context, order) {
    const users = consumersOf("basic-auth", context, (credentials, consumer) => {
      const [username, password] = [credentials.at("username").text(), secretAt(credentials, "password")];
      return username === undefined || password === undefined ? undefined : { username, password, consumer };
    });
    const made = {
      users,
      realm: conf.at("realm").text() ?? "basic",
      hide_credentials: conf.at("hide_credentials").boolean(),
      consumer_header: "x-consumer-username",
    };
    return add(conf, actions, order, users, { basic_auth: made });
  },
};

/** What a token is verified with: a shared secret, or a public key. */
function verifierOf(credentials: Input, algorithm: string): string | undefined {
  const shared = algorithm.startsWith("HS");
  const text = secretAt(credentials, shared ? "secret" : "public_key");
  if (!shared || text === undefined || credentials.at("base64_secret").boolean() !== true) return text;
  const decoded = text.startsWith("$") ? undefined : decode(text);
  if (decoded === undefined) credentials.decline("its secret is in base64, and not of a text");
  return decoded;
}

/** A text in base64, if it is one of printable characters. */
function decode(base64: string): string | undefined {
  try {
    const text = atob(base64);
    return /^[\x20-\x7e]+$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

export const jwtAuth: PluginRule = {
  order: 2510,
  convert(conf, actions, context, order) {
    const consumers = consumersOf("jwt-auth", context, (credentials, name) => {
      const algorithm = credentials.at("algorithm").text() ?? "HS256";
      const [key, secret] = [credentials.at("key").text(), verifierOf(credentials, algorithm)];
      const grace = credentials.at("lifetime_grace_period").number();
      if (grace !== undefined && grace !== 0) {
        credentials.at("lifetime_grace_period").decline("a token's times are taken exactly");
      }
      if (key === undefined || secret === undefined) return undefined;
      return { name, key, secret, alg: algorithm };
    });
    const made = {
      header: conf.at("header").text() ?? "authorization",
      query: conf.at("query").text() ?? "jwt",
      cookie: conf.at("cookie").text() ?? "jwt",
      key_claim: conf.at("key_claim_name").text(),
      hide_credentials: conf.at("hide_credentials").boolean(),
      consumers,
    };
    return add(conf, actions, order, consumers, { jwt_auth: made });
  },
};
