import { afterAll, beforeAll, describe, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { gatewayTo } from "../../conformance/support.ts";
import type { GatewayProcess } from "../../helpers/gateway-process.ts";
import { comparable, needed, type Ran, run, sameBothWays } from "./compare.ts";
import { LARGE, type RecordingPod, recordingPod } from "./recording-pod.ts";

const CURL = needed("curl");
const FIXTURES = join(import.meta.dir, "../../fixtures/tls");

let pod: RecordingPod;
let plain: GatewayProcess;
let secure: GatewayProcess;
let folder: string;
let big: string;
beforeAll(async () => {
  pod = await recordingPod();
  const tls = { cert_file: join(FIXTURES, "server.crt"), key_file: join(FIXTURES, "server.key") };
  [plain, secure] = await Promise.all([gatewayTo([pod.port]), gatewayTo([pod.port], { server: { tls } })]);
  folder = await mkdtemp(join(tmpdir(), "podway-curl-"));
  big = join(folder, "big");
  await writeFile(big, LARGE);
});
afterAll(async () => {
  await Promise.all([plain.stop(), secure.stop()]);
  pod.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What is asked. */
interface Asked {
  /** `BIG` is a file of twenty megabytes, `HOST` where it is asked. */
  readonly args: readonly string[];
  readonly path?: string;
  readonly stdin?: string;
  /** The answer has no length; one that is there whole may be given one on its way. */
  readonly unframed?: boolean;
}
const ASKS: Readonly<Record<string, Asked>> = {
  "a GET": { args: [] },
  "a GET of binary data": { args: [], path: "/binary" },
  "a HEAD": { args: ["-I"], path: "/binary" },
  "a query": { args: [], path: "/q?a=b&&c=%20+d&e='f'" },
  "a path with marks": { args: ["--path-as-is"], path: "/a%2Fb;c=d/~e!$&'()*,f@g:h" },
  "fields in their order and case": { args: ["-H", "X-Zed: 1", "-H", "x-alpha: 2", "-H", "X-Zed: 3", "-H", "Empty;"] },
  "a POST of a form": { args: ["-d", "a=b&c=d"] },
  "a POST of JSON": { args: ["--json", '{"a":1}'] },
  "a PUT of a large file (-T)": { args: ["-T", "BIG"] },
  "a chunked upload (-T -)": { args: ["-T", "-"], stdin: "chunk ".repeat(50_000) },
  "an upload that expects 100 Continue": {
    args: ["--expect100-timeout", "30", "-H", "Expect: 100-continue", "-T", "BIG"],
  },
  "a POST without a body": { args: ["-X", "POST"] },
  "a DELETE with a body": { args: ["-X", "DELETE", "-d", "x"] },
  "a GET with a body": { args: ["-X", "GET", "-d", "x"] },
  "a method of one's own": { args: ["-X", "LIST"] },
  "a method in lower case": { args: ["-X", "get"] },
  OPTIONS: { args: ["-X", "OPTIONS"] },
  "a range": { args: ["-r", "0-99"], path: "/binary" },
  cookies: { args: ["-b", "a=1; b=2"], path: "/cookies" },
  credentials: { args: ["-u", "user:pass word"] },
  "a compressed answer if there is one": { args: ["--compressed"], path: "/large" },
  "a large answer": { args: [], path: "/large" },
  "an answer in chunks": { args: [], path: "/chunks", unframed: true },
  "an answer that ends with its connection": { args: [], path: "/close", unframed: true },
  "a reason of the pod's own": { args: [], path: "/reason" },
  "a status that is not registered": { args: [], path: "/odd" },
  "a redirect, followed": { args: ["-L"], path: "/redirect" },
  "a 204": { args: [], path: "/204" },
  "a 304": { args: [], path: "/304" },
  "early hints": { args: [], path: "/hints" },
  "an error": { args: ["-f"], path: "/error" },
  "HTTP/1.0": { args: ["--http1.0"], path: "/binary" },
  "two requests over one connection": { args: ["-o", "-", "HOST/binary", "HOST/cookies"] },
};

const curl = (url: string, version: string, { args, path = "/x", stdin = "" }: Asked): Promise<Ran> => {
  const last = args.some((arg) => arg.startsWith("HOST")) ? [] : [url + path];
  const all = args.map((arg) => arg.replace(/^HOST/, url).replace(/^BIG$/, big));
  return run([CURL, "-sk", "-i", "--max-time", "60", version, ...all, ...last], { stdin });
};

/** Heads as lines, and the rest as it is: `Date` is the pod's own. */
const heads =
  (lower: boolean, unframed = false) =>
  (output: string) => {
    // Over HTTP/2 curl expects nothing.
    const final = lower ? output.replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, "") : output;
    const [head = "", ...rest] = final.split("\r\n\r\n");
    const [status = "", ...lines] = head.split("\r\n");
    return {
      // HTTP/2 has no reasons, and its own version.
      status: lower ? status.replace(/^HTTP\/\S+ (\d+).*/, "$1") : status,
      lines: comparable(lines, lower).filter((line) => !unframed || !/^content-length:/i.test(line)),
      body: rest.join("\r\n\r\n").replace(/127\.0\.0\.1:\d+/g, "HOST"),
    };
  };

describe("curl --http1.1 through the gateway sees what it sees of the pod, and the pod sees the same request:", () => {
  for (const [what, asked] of Object.entries(ASKS)) {
    test(what, () =>
      sameBothWays(pod, plain.url, (url) => curl(url, "--http1.1", asked), heads(false, asked.unframed)),
    );
  }
});

describe("curl over TLS with HTTP/1.1 sees the same:", () => {
  for (const what of ["a GET of binary data", "a PUT of a large file (-T)", "a large answer", "an answer in chunks"]) {
    test(what, () =>
      sameBothWays(pod, secure.url, (url) => curl(url, "--http1.1", ASKS[what]!), heads(false, ASKS[what]!.unframed)),
    );
  }
});

/** HTTP/2 knows neither reasons nor HTTP/1.0, and its names are in lower case. */
const NOT_HTTP2 = ["HTTP/1.0", "early hints", "two requests over one connection", "a redirect, followed"];
const WAYS: readonly (readonly [string, string, () => GatewayProcess])[] = [
  ["--http2 over TLS", "--http2", () => secure],
  ["--http2-prior-knowledge", "--http2-prior-knowledge", () => plain],
  ["--http2 on a plain port", "--http2", () => plain],
];
for (const [name, version, front] of WAYS) {
  describe(`curl ${name} sees the same but what HTTP/2 does not have:`, () => {
    for (const [what, asked] of Object.entries(ASKS)) {
      if (NOT_HTTP2.includes(what)) continue;
      test(what, () =>
        sameBothWays(
          pod,
          front().url,
          (url, direct) => curl(url, direct ? "--http1.1" : version, asked),
          (output) => ({
            ...heads(true)(output),
            lines: heads(true)(output)
              .lines.filter((line) => !/^content-length:/.test(line))
              .toSorted(),
          }),
          true,
        ),
      );
    }
    test("and it is the version that was asked for", async () => {
      const { stdout } = await run([
        CURL,
        "-sk",
        "-o",
        "/dev/null",
        "-w",
        "%{http_version}",
        version,
        `${front().url}/x`,
      ]);
      assertEquals(stdout, name === "--http2 on a plain port" ? "1.1" : "2");
    });
  });
}
