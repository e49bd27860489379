import { CASES, type Case, ODD_PATHS } from "./cases.ts";
import type { Found } from "./results.ts";
import type { RuntimeName } from "./stage.ts";

const RUNTIMES: readonly (readonly [RuntimeName, string])[] = [
  ["bun", "Bun"],
  ["deno", "Deno"],
  ["workers", "Workers"],
];

const HEAD = `# What holds on which runtime

\`bun run test:runtimes\` starts the gateway as a process on Bun, on Deno and on workerd (the program Cloudflare runs Workers
with), plays the same cases on each over sockets, and writes this page. ✓ is what the first column promises; anything else is
what happens there instead.
`;

const PATHS = `
## Odd request targets

What the pod reads. The route strips \`/v1\`; targets that begin with \`/plain\` pass as they are. Dot segments are resolved
before a route is chosen, everywhere, so no target leads past the route that stands for it.
`;

/** Text as a cell of a table may hold it. */
const cell = (text: string): string => text.replaceAll("|", "\\|");

/** Text as code in a cell. */
const code = (text: string): string => (text.includes("`") ? `\`\` ${cell(text)} \`\`` : `\`${cell(text)}\``);

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

function table(first: string, rows: readonly (readonly string[])[]): string {
  const heads = [first, ...RUNTIMES.map(([, name]) => name)];
  return [row(heads), row(heads.map(() => "---")), ...rows.map(row)].join("\n");
}

/** The page of docs, from what the runs found. */
export function matrixPage(lines: readonly Found[]): string {
  const foundOn = (runtime: RuntimeName, kind: Found["kind"], name: string): string | undefined =>
    lines.findLast((line) => line.runtime === runtime && line.kind === kind && line.name === name)?.found;
  const mark = ({ name, want }: Case, runtime: RuntimeName): string => {
    const found = foundOn(runtime, "case", name);
    return found === undefined ? "not run" : found === want ? "✓" : cell(found);
  };
  const groups = [...new Set(CASES.map(({ group }) => group))];
  const sections = groups.map((group) => {
    const rows = CASES.filter((one) => one.group === group).map((one) => [
      `${one.name}${/^(yes|untouched|none passes)$/.test(one.want) ? "" : `: ${code(one.want)}`}`,
      ...RUNTIMES.map(([runtime]) => mark(one, runtime)),
    ]);
    return `\n## ${group}\n\n${table("", rows)}\n`;
  });
  const paths = ODD_PATHS.map((path) => {
    const found = RUNTIMES.map(([runtime]) => foundOn(runtime, "path", path));
    return [code(path), ...found.map((text) => (text === undefined ? "not run" : code(text)))];
  });
  return `${HEAD}${sections.join("")}${PATHS}\n${table("sent", paths)}\n`;
}
