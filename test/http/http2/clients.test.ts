import { afterAll, describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { Fields } from "../../../src/http/header-fields.ts";
import type { HttpAnswer, HttpHandler } from "../../../src/http/message.ts";
import type { RequestBodyError } from "../../../src/http/request-body-error.ts";
import { collect, sourceOfPieces } from "../../helpers/body.ts";
import { type Http2Server, serveHttp2 } from "../../helpers/http2-server.ts";
import { until } from "../../helpers/wait.ts";
import { answer } from "./server-rig.ts";

/** Says what it was asked, and does what the path says. */
const handler: HttpHandler = async (request): Promise<HttpAnswer> => {
  const url = new URL(request.url, "http://a");
  switch (url.pathname) {
    case "/echo": {
      const { text, trailers } = await collect(request.body);
      return answer(
        sourceOfPieces([Buffer.from(text, "latin1")], trailers.length ? Fields.from(trailers) : undefined),
        [
          ["x-method", request.method],
          ["x-host", request.authority ?? ""],
        ],
      );
    }
    case "/early":
      request.interim!({ status: 103, statusText: "", headers: Fields.from([["link", "</a>"]]) });
      return answer("late");
    case "/sized":
      return answer(new Uint8Array(Number(url.searchParams.get("size"))).fill(120));
    case "/empty":
      return answer(null, [], 204);
    default:
      return answer("hello", [["set-cookie", "a=1"], ["set-cookie", "b=2"]]); // biome-ignore format: short
  }
};

const servers: Http2Server[] = [];
async function serve(): Promise<Http2Server> {
  const server = await serveHttp2(handler);
  servers.push(server);
  return server;
}
afterAll(() => {
  for (const server of servers) server.stop();
});

async function run(command: readonly string[], input?: string): Promise<string> {
  const child = Bun.spawn([...command], { stdin: input === undefined ? "ignore" : Buffer.from(input), stderr: "pipe" });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  assertEquals(code, 0, `${command[0]}: ${err}\n${out}`);
  return out;
}

/** The machine may lack a client: what that leaves unshown is said, and counted where tests are. */
const installed = (program: string): boolean => {
  const found = Bun.which(program) !== null;
  if (!found) process.stderr.write(`skipped: ${program} is not installed, so it does not ask the HTTP/2 server\n`);
  return found;
};
const withHttp2 = async (): Promise<boolean> =>
  installed("curl") && (await run(["curl", "--version"])).includes("HTTP2");

describe.skipIf(!(await withHttp2()))("curl, by prior knowledge", () => {
  const curl = (...args: readonly string[]): Promise<string> =>
    run(["curl", "-sS", "--http2-prior-knowledge", "--max-time", "20", ...args]);

  test("gets what it asks for", async () => {
    const { port } = await serve();
    const url = `http://127.0.0.1:${port}`;
    assertEquals(await curl(`${url}/`), "hello");
    assertEquals(await curl("-w", "%{http_version} %{http_code}", `${url}/empty`), "2 204");
    assertEquals((await curl("-i", `${url}/early`)).match(/HTTP\/2 \d+/g), ["HTTP/2 103", "HTTP/2 200"]);
    assertEquals(
      await curl("-I", "-o", "/dev/null", "-w", "%header{content-length}|%{size_download}", `${url}/`),
      "5|0",
    );
  });

  test("uploads and downloads megabytes", async () => {
    const { port, failures } = await serve();
    const body = "0123456789abcdef".repeat(200_000);
    const back = await run(
      ["curl", "-sS", "--http2-prior-knowledge", "-T", "-", `http://127.0.0.1:${port}/echo`],
      body,
    );
    assertEquals(Bun.hash(back), Bun.hash(body));
    assertEquals((await curl(`http://127.0.0.1:${port}/sized?size=20000000`)).length, 20_000_000);
    assertEquals(failures, []);
  });

  test("is answered 400 for what is in doubt, and reads that", async () => {
    const { port } = await serve();
    const status = await curl("-o", "/dev/null", "-w", "%{http_code}", "-H", "X-A: \x01", "-H", "Host: other", "--request-target", "/a b", `http://127.0.0.1:${port}/`).catch(
      (error: Error) => error.message,
    ); // biome-ignore format: one command
    assert(/400|PROTOCOL_ERROR|stream/.test(status), status);
  });
});

describe.skipIf(!installed("nghttp"))("nghttp", () => {
  test("gets many things at once with its odd numbers of streams", async () => {
    const { port } = await serve();
    const urls = Array.from({ length: 20 }, (_, i) => `http://127.0.0.1:${port}/sized?size=${i}`);
    const out = await run(["nghttp", "--no-dep", ...urls]);
    assertEquals(out.length, (19 * 20) / 2);
    assertEquals((await run(["nghttp", "-w", "1", "-W", "1", `http://127.0.0.1:${port}/sized?size=10`])).length, 10);
  });
});

describe.skipIf(!installed("node"))("node:http2 on Node", () => {
  test("asks over streams side by side, with bodies, trailers, resets and pings, and the server keeps nothing", async () => {
    const { port, connections, failures, broken } = await serve();
    const out = await run(["node", `${import.meta.dir}/node-client.mjs`, String(port)]);
    assertEquals(JSON.parse(out), {
      settings: [100, 32_768, true],
      echoes: 300,
      trailers: "2",
      early: 103,
      resets: 300,
      cookies: ["a=1", "b=2"],
      pinged: true,
    });
    // Those that were given up have no body.
    assert(failures.every((failure) => (failure as RequestBodyError).failure === "client_gone"));
    assertEquals(broken, []);
    await until(() => connections.size === 0, "the connection to be let go of");
  }, 60_000);
});
