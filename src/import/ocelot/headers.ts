import { commented, type YamlMapping, type YamlValue } from "../document.ts";
import type { Input } from "../input.ts";
import { isUnset } from "./values.ts";

/** What header transformations ask of a route. */
export interface HeaderActions {
  request: Record<string, string>;
  response: Record<string, string>;
  /** Request headers with parts of the request in them. */
  parts: Record<string, string>;
  replaced: { request: Record<string, YamlMapping>; response: Record<string, YamlMapping> };
  /** What the upstream's Host is to be. */
  host: string | undefined;
  /** Whether `{BaseUrl}` was asked for. */
  baseUrl: boolean;
}

const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Placeholders of Ocelot's that a request has. */
const PARTS: Readonly<Record<string, string>> = { "{RemoteIpAddress}": "{client_ip}", "{UpstreamHost}": "{authority}" };
const KNOWN = /\{(?:BaseUrl|RemoteIpAddress|UpstreamHost|TraceId|DownstreamBaseUrl)\}/g;

const BASE_URL = "{BaseUrl} needs the BaseUrl of GlobalConfiguration";
const DOWNSTREAM =
  "{DownstreamBaseUrl}, the address of the node that answered, is not known to a rule; with pass_host: pass the node sees the client's Host and makes its URLs of that";

/** Makes nothing yet. */
export const noHeaderActions = (): HeaderActions => ({
  request: {},
  response: {},
  parts: {},
  replaced: { request: {}, response: {} },
  host: undefined,
  baseUrl: false,
});

/** Header names and values as they stand in the same mapping by a route and globally: the route's count. */
function entriesOf(own: Input, global: Input): Input[] {
  const spoken = new Set(own.keys().map((key) => key.toLowerCase()));
  const rest = global.keys().filter((key) => {
    if (!spoken.has(key.toLowerCase())) return true;
    global.at(key).text();
    return false;
  });
  return [...own.keys().map((key) => own.at(key)), ...rest.map((key) => global.at(key))];
}

/** Reads `UpstreamHeaderTransform` (of: "request") or `DownstreamHeaderTransform` of a route and of all routes. */
export function transform(
  of: "request" | "response",
  { own, global, baseUrl }: { own: Input; global: Input; baseUrl: string | undefined },
  actions: HeaderActions,
): void {
  for (const input of entriesOf(own, global)) {
    const name = String(input.path.at(-1));
    if (isUnset(input)) continue;
    const written = input.text();
    if (written === undefined) continue;
    const refusal = refusalOf(of, { name, written, baseUrl }, actions);
    if (refusal !== undefined) input.decline(refusal);
  }
}

/** Puts one transformation among the actions; or why that cannot be. */
function refusalOf(
  of: "request" | "response",
  { name, written, baseUrl }: { name: string; written: string; baseUrl: string | undefined },
  actions: HeaderActions,
): string | undefined {
  if (!HEADER.test(name)) return "it is no name that a header can have";
  if (/[\r\n]/.test(written)) return "a header's value has no line ends";
  if (written.includes("{BaseUrl}")) {
    actions.baseUrl = true;
    if (baseUrl === undefined) return BASE_URL;
  }
  const value = written.replaceAll("{BaseUrl}", () => baseUrl ?? "").trim();
  if (value.includes("{DownstreamBaseUrl}")) return DOWNSTREAM;
  if (value.includes("{TraceId}")) return "there is no trace id of Butterfly or OpenTracing here";
  const parts = value.match(KNOWN) ?? [];
  if (parts.length > 0 && of === "response") return "an answer's header cannot hold parts of the request";
  const comma = value.indexOf(",");
  if (comma !== -1 && parts.length > 0) return "a replacement cannot hold parts of the request";
  if (comma !== -1) {
    const [find, text] = [value.slice(0, comma).trim(), value.slice(comma + 1).trim()];
    if (find === "") return "there is no text to find before its comma";
    actions.replaced[of][name] = { find, with: text };
  } else if (of === "response") {
    actions.response[name] = value;
  } else if (name.toLowerCase() === "host") {
    if (parts.length > 0) return "write pass_host: pass, and the upstream sees the client's Host";
    actions.host = value;
  } else if (parts.length === 0) {
    actions.request[name] = value;
  } else if (/[{}]/.test(value.replace(KNOWN, ""))) {
    return "it has a brace that belongs to no placeholder";
  } else if (name.toLowerCase() !== "x-forwarded-for" || value !== "{RemoteIpAddress}") {
    actions.parts[name] = value.replace(KNOWN, (part) => PARTS[part] ?? part);
  }
  return undefined;
}

const filled = <Value>(mapping: Record<string, Value>): Record<string, Value> | undefined =>
  Object.keys(mapping).length === 0 ? undefined : mapping;

/** The middleware that transformations need. */
export function headerMiddleware({ parts, replaced }: HeaderActions): YamlValue[] {
  const request = filled(replaced.request);
  const response = filled(replaced.response);
  return [
    ...(filled(parts) ? [{ set_headers: parts }] : []),
    ...(request || response ? [{ replace_headers: { request, response } }] : []),
  ];
}

/** The keys of a route that transformations need. */
export const headerKeys = ({ request, response, host }: HeaderActions): YamlMapping => ({
  ...(host !== undefined && { pass_host: "rewrite", upstream_host: host }),
  request_headers: filled(request) && { set: request },
  response_headers: filled(response) && { set: response },
});

/** What `UpstreamHeaderTemplates` ask of a request, and what stands for their placeholders. */
export function headerConditions(
  templates: Input,
  ignoreCase: boolean,
  parts: Map<string, string | undefined>,
): YamlMapping {
  const made: Record<string, YamlValue> = {};
  for (const name of templates.keys()) {
    const input = templates.at(name);
    const written = input.text();
    if (written === undefined) continue;
    if (!HEADER.test(name)) {
      input.decline("it is no name that a header can have");
      continue;
    }
    const whole = /^\{header:([^{}]+)\}$/.exec(written);
    if (whole !== null) {
      made[name] = { present: true };
      parts.set(whole[1]!, `{header.${name.toLowerCase()}}`);
      continue;
    }
    const named = [...written.matchAll(/\{header:([^{}]+)\}/g)].map(([, part]) => part!);
    const pattern = written
      .split(/\{header:[^{}]+\}/)
      .map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
      .join(".*");
    const loose = ignoreCase && /\p{L}/u.test(written.replace(/\{header:[^{}]+\}/g, ""));
    if (named.length === 0 && !loose) made[name] = written;
    else {
      const regex = `^${loose ? `(?i:${pattern})` : pattern}$`;
      made[name] = {
        regex: named.length > 0 ? commented(regex, "its placeholders match and stand for nothing") : regex,
      };
      for (const part of named) parts.delete(part);
    }
  }
  return made;
}
