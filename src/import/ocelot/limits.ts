import { commented, type YamlMapping, type YamlValue } from "../document.ts";
import type { Input } from "../input.ts";
import { ipBlocks } from "./ip-ranges.ts";
import { declinePositive, firstSet, isUnset } from "./values.ts";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A length of time such as 1s, 5m, 1h, 1d, in milliseconds; a number alone is milliseconds. */
function period(text: string): number | undefined {
  const [, number, unit = "ms"] = /^([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)?$/i.exec(text.trim()) ?? [];
  return number === undefined ? undefined : Number(number) * UNITS[unit.toLowerCase()]!;
}

const MAX_MS = 2_147_483_647;
/** Ocelot's name of the header that tells who asks, since 24.1; before it was ClientId. */
const CLIENT_HEADER = "Oc-Client";

/** Where the header for clients is the rule's, the global options', or Ocelot's own. */
function read(own: Input, global: Input, ...names: readonly [string, ...string[]]): Input {
  const all = [...names.map((name) => own.at(name)), ...names.map((name) => global.at(name))] as [Input, ...Input[]];
  return firstSet(...all);
}

/** Takes what two inputs say under these keys, for the route's own counts or nothing does. */
function settle(own: Input, global: Input, names: readonly string[]): void {
  for (const input of [own, global]) for (const name of names) if (input.at(name).exists) input.at(name).take();
}

const RATE_KEYS = [
  ...["ClientWhitelist", "EnableRateLimiting", "EnableHeaders", "DisableRateLimitHeaders", "Period", "PeriodTimespan"],
  ...["Wait", "Limit", "ClientIdHeader", "HttpStatusCode", "StatusCode", "QuotaExceededMessage", "QuotaMessage"],
  ...["RateLimitCounterPrefix", "KeyPrefix"],
];

/** `RateLimitOptions` as a middleware; undefined: requests are not limited. */
export function rateLimitOf(own: Input, global: Input): YamlValue | undefined {
  const on = firstSet(own.at("EnableRateLimiting"), global.at("EnableRateLimiting"));
  // Newer versions take a rule for granted; older ones ask for the switch.
  const limited = isUnset(on) ? !isUnset(read(own, global, "Limit")) && !isUnset(own) : on.boolean() === true;
  const limit = read(own, global, "Limit");
  const length = read(own, global, "Period");
  if (!limited || isUnset(limit)) {
    settle(own, global, RATE_KEYS);
    return undefined;
  }
  const many = limit.number();
  const ms = isUnset(length) ? 1000 : period(length.text() ?? "");
  if (ms === undefined || ms > MAX_MS) {
    length.decline("it must be a time such as 1s, 5m, 1h, 1d, of at most 24 days");
    return undefined;
  }
  if (many === undefined || many < 1) {
    limit.decline("it must be 1 or more");
    return undefined;
  }
  const window = Math.max(1000, Math.round(ms));
  if (window !== ms) length.note("it is 1s here, the shortest there is: the limit is the same");
  const header = read(own, global, "ClientIdHeader");
  const name = isUnset(header) ? CLIENT_HEADER : (header.text() ?? CLIENT_HEADER);
  const free = read(own, global, "ClientWhitelist");
  const exempt = isUnset(free) ? [] : (free.texts() ?? []).filter((client) => client !== "");
  if (isUnset(header)) {
    const words = `without ClientIdHeader it is ${CLIENT_HEADER}, as in Ocelot since 24.1; before, it was ClientId`;
    (exempt.length > 0 ? free : limit).note(words, exempt.length > 0 ? "access" : "difference");
  }
  const message = read(own, global, "QuotaMessage", "QuotaExceededMessage");
  const words = isUnset(message) ? undefined : message.text();
  waits(own, global, ms);
  const made = {
    limit: Math.floor(many),
    window,
    key: commented({ header: name }, "who sends none counts by its address"),
    exempt: exempt.length === 0 ? undefined : exempt,
    headers: headersOf(own, global),
    status: statusOf(read(own, global, "StatusCode", "HttpStatusCode")),
    message: words,
  };
  settlePassed(own, global);
  return { rate_limit: made };
}

/** What of both is settled by what was read above. */
function settlePassed(own: Input, global: Input): void {
  for (const name of RATE_KEYS) {
    const [mine, theirs] = [own.at(name), global.at(name)];
    if (!isUnset(mine) && !isUnset(theirs) && name !== "PeriodTimespan" && name !== "Wait") theirs.take();
  }
  for (const name of ["RateLimitCounterPrefix", "KeyPrefix"]) {
    for (const input of [own.at(name), global.at(name)]) if (!isUnset(input)) input.take();
  }
}

/** How long a client is shut out: here until the window ends. */
function waits(own: Input, global: Input, window: number): void {
  const wait = read(own, global, "Wait", "PeriodTimespan");
  if (isUnset(wait)) return;
  const inSeconds = String(wait.path.at(-1)).toLowerCase() === "periodtimespan";
  const ms = inSeconds ? (wait.number() ?? 0) * 1000 : period(wait.text() ?? "");
  if (ms === undefined || (ms > 0 && ms !== window)) {
    wait.decline("who asked too often waits until Period ends, and is not shut out for a time of its own");
  }
}

function headersOf(own: Input, global: Input): YamlValue {
  const off = read(own, global, "DisableRateLimitHeaders");
  const on = read(own, global, "EnableHeaders");
  const silent = (!isUnset(off) && off.boolean() === true) || (!isUnset(on) && on.boolean() === false);
  return silent ? false : "x-ratelimit";
}

function statusOf(input: Input): number | undefined {
  if (isUnset(input)) return undefined;
  const status = input.number();
  if (status === undefined) return undefined;
  if (Number.isInteger(status) && status >= 400 && status <= 599) return status === 429 ? undefined : status;
  input.decline("a refusal has a status from 400 to 599: it is 429");
  return undefined;
}

/** `SecurityOptions`: which clients are let in. */
export interface Security {
  /** The middleware; undefined: everybody is let in. */
  readonly made: YamlValue | undefined;
  /** Lists with an entry that is none. */
  readonly unread: readonly Input[];
}

/** Reads `SecurityOptions` of a route, else the global ones. */
export function ipRestrictionOf(own: Input, global: Input): Security {
  const unread: Input[] = [];
  const blocksIn = (input: Input): string[] => {
    if (isUnset(input)) return [];
    const texts = input.texts();
    const read = (texts ?? []).map(ipBlocks);
    if (texts === undefined || read.includes(undefined)) {
      if (texts !== undefined) input.decline("an entry of it is no address, block or range of addresses");
      unread.push(input);
    }
    return read.flatMap((blocks) => blocks ?? []);
  };
  const options = isUnset(own) ? global : own;
  if (options === own && !isUnset(global)) global.take();
  const allowed = blocksIn(options.at("IPAllowedList"));
  const blocked = blocksIn(options.at("IPBlockedList"));
  const exclude = options.at("ExcludeAllowedFromBlocked");
  const inside = !isUnset(exclude) && exclude.boolean() === true;
  // Where the allowed are taken out of the blocked, only the allowed are left: all others are refused by that list.
  const deny = inside && allowed.length > 0 ? [] : blocked;
  if (allowed.length + deny.length === 0) return { made: undefined, unread };
  options.note("who is not let in gets a 403 here, in Ocelot a 401", "trifle");
  const lists = {
    allow_list: allowed.length === 0 ? undefined : allowed,
    deny_list: deny.length === 0 ? undefined : deny,
  };
  return { made: { ip_restriction: lists }, unread };
}

/** What `QoSOptions` and `Timeout` ask for. */
export function qualityOf(route: Input, qos: Input, globalTimeout: Input): { keys: YamlMapping } {
  const failures = firstSet(qos.at("ExceptionsAllowedBeforeBreaking"), qos.at("MinimumThroughput"));
  const pause = firstSet(qos.at("DurationOfBreak"), qos.at("BreakDuration"));
  const limit = firstSet(qos.at("TimeoutValue"), qos.at("Timeout"));
  const many = isUnset(failures) ? undefined : failures.number();
  const eject = isUnset(pause) ? undefined : pause.number();
  const ms = isUnset(limit) ? undefined : limit.number();
  const RATIO = "failures in a row are counted, not their share";
  declinePositive(qos.at("FailureRatio"), RATIO);
  declinePositive(qos.at("SamplingDuration"), RATIO);
  const own = route.at("Timeout");
  const seconds = firstSet(own, globalTimeout);
  const whole = isUnset(seconds) ? undefined : seconds.number();
  if (!isUnset(own) && !isUnset(globalTimeout)) globalTimeout.number();
  const response = ms !== undefined && ms > 0 ? ms : whole !== undefined && whole > 0 ? whole * 1000 : undefined;
  const passive =
    many !== undefined && many >= 1
      ? { failures: Math.floor(many), ...(eject !== undefined && eject > 0 && { eject: clamp(eject) }) }
      : undefined;
  if (passive !== undefined) failures.note("it is counted for each address, and leaves out that address alone");
  return {
    keys: {
      timeouts: response === undefined ? undefined : { response: clamp(response) },
      health: passive && { passive },
    },
  };
}

const clamp = (ms: number): number => Math.min(MAX_MS, Math.max(0, Math.round(ms)));
