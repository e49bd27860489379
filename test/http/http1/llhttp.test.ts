import { afterAll, beforeAll, describe, test } from "bun:test";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { LLHTTP_IS_STRICTER, SAME_IN_THE_END, WE_ARE_STRICTER } from "./llhttp-differences.ts";
import { type ReadStream, readStream } from "./read-stream.ts";
import { REQUEST_CASES } from "./request-cases.ts";

/** What llhttp.mjs writes of a connection. */
interface NodeReading {
  readonly requests: readonly {
    readonly method: string;
    readonly url: string;
    readonly version: string;
    readonly lines: readonly string[];
    readonly body: string;
    readonly trailers: readonly string[];
    readonly whole: boolean;
  }[];
  readonly error?: string;
  readonly statuses: readonly number[];
}

interface Opinion {
  readonly requests: readonly unknown[];
  readonly end: "refused" | "more" | undefined;
}

const ours = ({ requests, end }: ReadStream): Opinion => ({
  requests: requests.map(({ method, target, authority, minor, lines, body, trailers }) => [
    method,
    // An absolute URL has been taken apart.
    authority === "" ? target : "",
    `1.${minor}`,
    lines,
    body,
    trailers,
  ]),
  end: typeof end === "object" ? "refused" : end,
});

function theirs({ requests, error, statuses }: NodeReading, { requests: own }: ReadStream): Opinion {
  const whole = requests.filter((request) => request.whole);
  const unfinished = error === "HPE_INVALID_EOF_STATE";
  const refused = (error !== undefined && !unfinished) || statuses.some((status) => status >= 400);
  return {
    requests: whole.map(({ method, url, version, lines, body, trailers }, at) => [
      method,
      (own[at]?.authority ?? "") === "" ? url : "",
      version,
      lines,
      body,
      trailers,
    ]),
    end: refused ? "refused" : unfinished ? "more" : undefined,
  };
}

const NODE = Bun.which("node");

// A second opinion needs one who gives it: without Node, all three are counted as skipped.
describe.skipIf(NODE === null)("beside Node's llhttp", () => {
  let opinions: readonly { readonly what: string; readonly ours: Opinion; readonly theirs: Opinion }[] = [];
  let child: Bun.Subprocess<Blob, "pipe", "inherit"> | undefined;

  beforeAll(async () => {
    child = Bun.spawn([NODE!, join(import.meta.dir, "llhttp.mjs")], {
      stdin: new Blob([JSON.stringify(REQUEST_CASES.map(({ bytes }) => bytes))]),
      stdout: "pipe",
      stderr: "inherit",
    });
    const read = (await new Response(child.stdout).json()) as NodeReading[];
    opinions = REQUEST_CASES.map(({ what, bytes }, at) => {
      const own = readStream([bytes]);
      return { what, ours: ours(own), theirs: theirs(read[at]!, own) };
    });
  });
  afterAll(() => child?.kill());

  const differing = () => opinions.filter((one) => !Bun.deepEquals(one.ours, one.theirs));

  test("nothing is read as two things: where both read a request, it is the same one", () => {
    assertEquals(opinions.length, REQUEST_CASES.length);
    for (const one of differing()) {
      const shared = Math.min(one.ours.requests.length, one.theirs.requests.length);
      assertEquals(one.ours.requests.slice(0, shared), one.theirs.requests.slice(0, shared), one.what);
      if (SAME_IN_THE_END.includes(one.what)) continue;
      assert(one.ours.end === "refused" || one.theirs.end === "refused", `${one.what}: both go on`);
    }
  });

  test("every difference is listed, with the section that decides", () => {
    const found = { ours: [] as string[], llhttp: [] as string[], none: [] as string[] };
    for (const one of differing()) {
      if (SAME_IN_THE_END.includes(one.what)) found.none.push(one.what);
      else if (one.ours.end === "refused") found.ours.push(one.what);
      else found.llhttp.push(one.what);
    }
    const families = WE_ARE_STRICTER.flatMap(({ family }) => family ?? []);
    const alone = found.ours.filter((what) => !families.some((family) => what.startsWith(family)));
    assertEquals(alone.sort(), WE_ARE_STRICTER.flatMap(({ cases }) => cases).sort());
    assertEquals(found.llhttp.sort(), LLHTTP_IS_STRICTER.flatMap(({ cases }) => cases).sort());
    assertEquals(found.none, [...SAME_IN_THE_END]);
  });

  test("most is the same", () => {
    assert(differing().length < REQUEST_CASES.length / 5, `${differing().length} of ${REQUEST_CASES.length} differ`);
  });
});
