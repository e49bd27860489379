import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import type { Recorded, RecordingPod } from "./recording-pod.ts";

/** What differs on the way, as docs/limits.md says: fields of one hop, and where a request came from. */
const DOCUMENTED = [
  "connection",
  "keep-alive",
  "upgrade",
  "http2-settings",
  "te",
  "trailer",
  "transfer-encoding",
  "proxy-connection",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
];

const nameOf = (line: string): string => line.slice(0, line.indexOf(":")).toLowerCase();

/**
 * The lines that must be the same on both ways, in their order, without the space around their values; the port that was
 * dialled is of the way. A POST without a body may be given the length 0.
 */
export const comparable = (lines: readonly string[], lower = false): string[] =>
  lines
    .filter((line) => !DOCUMENTED.includes(nameOf(line)) && !/^content-length: *0$/i.test(line))
    .map((line) => line.replace(/127\.0\.0\.1:\d+/g, "HOST").replace(/^([^:]*): */, "$1: "))
    .map((line) => (lower ? `${nameOf(line)}${line.slice(line.indexOf(":"))}` : line));

const EXPECT = /^expect: *100-continue$/i;

/** What must be the same of what a pod got. Over HTTP/2 curl does not wait for 100 Continue, and has an order of its own. */
export const requestsOf = (requests: readonly Recorded[], lower = false): unknown[] =>
  requests.map(({ line, fields, size, sum }) => {
    const lines = comparable(fields, lower).filter((field) => !EXPECT.test(field));
    return {
      // A gateway speaks its own version (RFC 9110 section 2.5), and expects something on its own account.
      line: line.replace(/127\.0\.0\.1:\d+/g, "HOST").replace(/ HTTP\/1\.0$/, " HTTP/1.1"),
      expects: !lower && fields.some((field) => EXPECT.test(field)),
      fields: lower ? lines.toSorted() : lines,
      size,
      sum,
      chunked: fields.some((field) => /^transfer-encoding: *chunked$/i.test(field)),
    };
  });

/** How a program ended, and what it wrote. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, in a folder of its own; `$OUT` in its arguments is a file whose content is appended to its output. */
export async function run(
  command: readonly string[],
  { stdin = "", env = {} as Record<string, string> } = {},
): Promise<Ran> {
  const folder = await mkdtemp(join(tmpdir(), "podway-client-"));
  const out = join(folder, "out");
  try {
    const child = Bun.spawn(
      command.map((part) => part.replaceAll("$OUT", out)),
      {
        cwd: folder,
        stdin: new Blob([stdin]),
        stdout: "pipe",
        stderr: "pipe",
        env: { ...process.env, ...env },
      },
    );
    const [code, stdout, stderr] = await Promise.all([
      child.exited,
      new Response(child.stdout).bytes(),
      new Response(child.stderr).text(),
    ]);
    const more = command.some((part) => part.includes("$OUT"))
      ? await readFile(out).catch(() => Buffer.from(""))
      : Buffer.from("");
    return { code, stdout: Buffer.concat([stdout, more]).toString("latin1"), stderr };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Fails where a program that these tests are about is missing: a machine without it would pass everything. */
export function needed(program: string): string {
  const path = Bun.which(program);
  assert(path !== null, `${program} is missing`);
  return path;
}

/** Asks the pod, then the gateway: the pod must have got the same, and the client too, as `view` has it. */
export async function sameBothWays(
  pod: RecordingPod,
  gateway: string,
  ask: (url: string, direct: boolean) => Promise<Ran>,
  view: (output: string) => unknown,
  lower = false,
): Promise<void> {
  pod.requests.length = 0;
  const direct = await ask(`http://127.0.0.1:${pod.port}`, true);
  const wanted = requestsOf(pod.requests, lower);
  pod.requests.length = 0;
  const through = await ask(gateway, false);
  assertEquals(through.code, direct.code, `${through.stderr}\n${direct.stderr}`);
  assertEquals(requestsOf(pod.requests, lower), wanted, "what the pod got");
  assert(wanted.length > 0, `the pod was not asked: ${direct.stderr}`);
  assertEquals(view(through.stdout), view(direct.stdout), "what the client got");
}
