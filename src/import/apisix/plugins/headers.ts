import { isTemplate } from "../../../routing/template.ts";
import type { YamlMapping } from "../../document.ts";
import type { Input } from "../../input.ts";
import { addMiddleware, type HeaderEdits, type PluginActions } from "../actions.ts";
import { isPlainRegex } from "../path.ts";
import { hasVariables, nginxTemplate, replacementOf } from "../variables.ts";
import type { PluginRule } from "./plugin.ts";

/**
 * Changes of headers, and those whose values have variables in them, where they can have some: as set_headers has them.
 */
interface Changes extends HeaderEdits {
  readonly templates?: Record<string, string>;
}

/** A value with variables as a template; undefined: it has a part that has no counterpart. */
function templateIn(text: string): string | undefined {
  const template = nginxTemplate(text);
  // Braces of its own would be placeholders.
  return template?.includes("%7") && !text.includes("%7") ? undefined : template;
}

function put(changes: Changes, kind: "set" | "add", name: string, value: Input, text: string | undefined): void {
  if (text === undefined) return;
  const key = name.toLowerCase();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what a field value may not hold
  if (/[\u0000\r\n]/.test(text) || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    value.decline("it is no header");
    return;
  }
  if (hasVariables(text) || /\$[0-9]/.test(text)) {
    const template = kind === "set" && changes.templates && !/\$[0-9]/.test(text) ? templateIn(text) : undefined;
    if (template === undefined) value.decline("a variable in it has no counterpart");
    else changes.templates![key] = template;
    return;
  }
  if (kind === "add") changes.add[key] = [...(changes.add[key] ?? []), text];
  else if (changes.set[key] === undefined) changes.set[key] = text;
  else value.decline("the same header is set before it");
}

/** `headers:` in either of its shapes: names to values, or set, add and remove. */
function readHeaders(headers: Input, changes: Changes): void {
  const kinds = headers.keys().filter((key) => ["set", "add", "remove"].includes(key));
  const shaped = kinds.some((kind) => !["string", "number"].includes(typeof headers.at(kind).raw));
  if (!shaped) {
    for (const name of headers.keys()) {
      const value = headers.at(name);
      if (value.raw !== "") put(changes, "set", name, value, value.text());
      else {
        value.take();
        changes.remove.push(name.toLowerCase());
      }
    }
    return;
  }
  for (const kind of ["set", "add"] as const) {
    const block = headers.at(kind);
    if (!block.isList) {
      for (const name of block.keys()) put(changes, kind, name, block.at(name), block.at(name).text());
      continue;
    }
    for (const item of block.items()) {
      const [, name, value] = /^([^:]+):\s*(.*)$/s.exec(item.text() ?? "") ?? [];
      if (name === undefined) item.decline("it must be a name and a value");
      else put(changes, kind, name.trim(), item, value);
    }
  }
  for (const name of headers.at("remove").texts() ?? []) changes.remove.push(name.toLowerCase());
  settle(changes);
}

/** APISIX adds, then sets, then removes: what a later change would undo is not made. */
function settle({ set, add, templates = {}, remove }: Changes): void {
  for (const name of [...Object.keys(set), ...Object.keys(templates), ...remove]) delete add[name];
  for (const name of remove) {
    delete set[name];
    delete templates[name];
  }
}

/** The path of a uri, in which variables may stand; undefined: it is declined. */
function pathRewrite(uri: Input, text: string): YamlMapping | undefined {
  const template = hasVariables(text) ? nginxTemplate(text) : undefined;
  if (
    hasVariables(text) &&
    (template === undefined || !isTemplate(template) || /\{(?:uri|query|search)\}/.test(template))
  ) {
    uri.decline("it has a variable that cannot be carried over");
    return undefined;
  }
  if (!text.startsWith("/") || text.includes("?")) {
    uri.decline("it must be a path that starts with /, without a query");
    return undefined;
  }
  return template === undefined ? { replace: text } : { template };
}

function regexRewrite(regex: Input, parts: readonly string[]): YamlMapping | undefined {
  const [from, to] = parts;
  if (parts.length !== 2) regex.decline("there can be one regular expression with its replacement");
  else if (!isPlainRegex(from!)) regex.decline("its regular expression uses what JavaScript's have not");
  else if (to!.includes("?")) regex.decline("a replacement cannot bring a query");
  else return { regex: from!.trim(), to: replacementOf(to!) };
  return undefined;
}

/** What the path becomes. False: it cannot be carried over, and requests would ask for other paths than they should. */
function rewriteUri(conf: Input, actions: PluginActions): boolean {
  const uri = conf.at("uri");
  const regex = conf.at("regex_uri");
  const text = uri.text();
  if (text !== undefined && regex.exists) regex.decline("uri is there too, and it counts");
  const parts = text === undefined ? regex.texts() : undefined;
  if (text === undefined && parts === undefined) return !uri.exists && !regex.exists;
  actions.rewritePath = text === undefined ? regexRewrite(regex, parts!) : pathRewrite(uri, text);
  return actions.rewritePath !== undefined;
}

const METHOD = /^[A-Z]+$/;

export const proxyRewrite: PluginRule = {
  order: 1008,
  convert(conf, actions, { global }, order) {
    const templates: Record<string, string> = {};
    readHeaders(conf.at("headers"), { ...actions.request, templates });
    if (Object.keys(templates).length > 0) {
      addMiddleware(actions, order, { set_headers: templates }, conf.at("headers"));
    }
    const method = conf.at("method").text();
    if (method !== undefined && METHOD.test(method)) addMiddleware(actions, order, { set_method: { method } }, conf);
    if (global) {
      for (const key of ["uri", "regex_uri", "host", "scheme"]) {
        conf.at(key).decline("a path, host or scheme is set on a route, not for all of them");
      }
      return !["uri", "regex_uri", "host"].some((key) => conf.at(key).exists);
    }
    const rewritten = rewriteUri(conf, actions);
    const host = conf.at("host").text();
    const fixed = host === undefined || !hasVariables(host);
    if (fixed) actions.upstreamHost = host;
    else conf.at("host").decline("the host is a fixed text here");
    const scheme = conf.at("scheme").text();
    if (scheme !== undefined && scheme !== "http" && scheme !== "https")
      conf.at("scheme").decline("it must be http or https");
    else actions.scheme = scheme;
    if (conf.at("use_real_request_uri_unsafe").boolean() === true) {
      conf.at("use_real_request_uri_unsafe").note("a path that is not rewritten is always passed on as it was sent");
    }
    return rewritten && fixed;
  },
};

export const responseRewrite: PluginRule = {
  order: 899,
  convert(conf, actions) {
    if (conf.at("vars").exists) {
      conf.decline("answers are changed always here, not under conditions");
      return false;
    }
    readHeaders(conf.at("headers"), actions.response);
    for (const key of ["status_code", "body", "body_base64", "filters"]) {
      if (conf.at(key).exists) conf.at(key).decline("of an answer only headers are changed");
    }
    return true;
  },
};
