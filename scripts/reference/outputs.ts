import { readFileSync } from "node:fs";
import { join } from "node:path";
import { allFamilies } from "../../src/admin/metrics/exposition.ts";
import { PROBLEM_CODES, problemStatus, problemTitle } from "../../src/http/problem.ts";
import { createCounters } from "../../src/telemetry/counters.ts";
import { cell, table } from "./page.ts";

const ROOT: string = join(import.meta.dir, "../..");

/** Every metric, by what the admin API writes. */
export function metricsPage(): string {
  const none = createCounters();
  const families = allFamilies(
    { traffic: { series: none.all(), pools: [], streams: [] }, clusters: [], ready: true, draining: false },
    {
      version: "",
      runtime: "",
      usage: { started: 0, userCpu: 0, systemCpu: 0, resident: 0, heapUsed: 0, heapTotal: 0 },
      loopLag: 0,
      reloads: { ok: 0, failed: 0, current: true, since: 0, hash: 0 },
    },
  );
  return `# Metrics

\`GET /metrics\` of the admin API. Labels and what to watch are in [metrics.md](../metrics.md).

${table(
  ["metric", "type", "meaning"],
  families.map(({ name, type, help }) => [`\`${name}\``, type, cell(help)]),
)}
`;
}

/** Every code of an answer that the gateway gives itself. */
export function codesPage(): string {
  return `# Codes of the gateway's own answers

Answers that no upstream gave are \`application/problem+json\` (RFC 9457): \`type\` is \`urn:podway:problem:CODE\`, and \`code\` is one of
these. A middleware may set another status. What to do about each is in [operations.md](../operations.md).

${table(
  ["code", "status", "title"],
  PROBLEM_CODES.map((code) => [`\`${code}\``, String(problemStatus(code)), cell(problemTitle(code))]),
)}
`;
}

/** From an opening bracket to the one that closes it, strings and templates left alone. */
function bracketed(text: string, open: number): string {
  let depth = 0;
  let quote = "";
  for (let at = open; at < text.length; at++) {
    const char = text[at]!;
    if (quote !== "") {
      if (char === "\\") at++;
      else if (char === quote) quote = "";
    } else if ("\"'`".includes(char)) quote = char;
    else if ("([{".includes(char)) depth++;
    else if (")]}".includes(char) && --depth === 0) return text.slice(open + 1, at);
  }
  throw new Error(`No bracket closes ${text.slice(open, open + 60)}`);
}

/** The arguments of a call, apart. */
function argumentsOf(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let quote = "";
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = text[at];
    if (quote !== "") {
      if (char === "\\") at++;
      else if (char === quote) quote = "";
    } else if (char !== undefined && "\"'`".includes(char)) quote = char;
    else if (char !== undefined && "([{".includes(char)) depth++;
    else if (char !== undefined && ")]}".includes(char)) depth--;
    if (char === undefined || (char === "," && depth === 0 && quote === "")) {
      if (text.slice(start, at).trim() !== "") found.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return found;
}

/** A message as it is read: what is put into it is `…`. undefined: it comes from elsewhere whole. */
function messageOf(written: string): string | undefined {
  const literal = /^"((?:[^"\\]|\\.)*)"$/s.exec(written)?.[1];
  if (literal !== undefined) return literal.replaceAll('\\"', '"');
  const template = /^`((?:[^`\\]|\\.)*)`$/s.exec(written)?.[1];
  return template?.replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, "…");
}

/** The names in an object literal; what is spread into it or named elsewhere is not seen. */
const fieldsOf = (written: string | undefined): string[] =>
  written?.startsWith("{")
    ? argumentsOf(written.slice(1, -1)).flatMap((part) => /^(\w+)(?=\s*(?::|$))/.exec(part)?.[1] ?? [])
    : [];

interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: readonly string[];
}

function logLines(): LogLine[] {
  const lines = new Map<string, LogLine>();
  for (const file of [...new Bun.Glob("src/**/*.ts").scanSync(ROOT)].sort()) {
    const text = readFileSync(join(ROOT, file), "utf8");
    for (const { index, 0: call } of text.matchAll(/\blogger\.log\(/g)) {
      const [level = "", written = "", fields] = argumentsOf(bracketed(text, index + call.length - 1));
      const message = messageOf(written);
      if (message === undefined) continue;
      const levels = [...level.matchAll(/"(\w+)"/g)].map(([, name]) => name);
      lines.set(message, { level: levels.join(" or ") || "varies", message, fields: fieldsOf(fields) });
    }
  }
  return [...lines.values()].sort((a, b) => (a.message.toLowerCase() < b.message.toLowerCase() ? -1 : 1));
}

/** Every message of the log. */
export function logPage(): string {
  return `# Messages of the log

What standard error may say, besides the errors and warnings of a config file, which name their file, line and column. \`…\` stands for what is
put in. A line of a cluster has the field \`cluster\` where there are several. What to do about each is in
[operations.md](../operations.md).

${table(
  ["message", "level", "fields"],
  logLines().map(({ level, message, fields }) => [
    cell(message),
    level,
    fields.map((field) => `\`${field}\``).join(", "),
  ]),
)}
`;
}
