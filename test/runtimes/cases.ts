import { request as httpRequest } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { until } from "../helpers/wait.ts";
import { CODED, LARGE, type Seen, TEXT } from "./pods.ts";
import type { Running, RuntimeName, Stage } from "./stage.ts";
import { wire } from "./wire.ts";

/** What a case is played on. */
export interface Scene {
  readonly gateway: Running;
  readonly stage: Stage;
}

/** One promise to users, asked of every runtime: what is found is a short text, the same one everywhere but where said. */
export interface Case {
  readonly group: string;
  readonly name: string;
  readonly want: string;
  /** Where a runtime cannot: what it does instead. */
  readonly but?: Partial<Record<RuntimeName, string>>;
  find(scene: Scene): Promise<string>;
}

const seenBy = (body: Buffer): Seen => JSON.parse(body.toString()) as Seen;

const problemCode = (body: Buffer): string => (JSON.parse(body.toString()) as { code: string }).code;

/** What became of a coded body on its way. */
async function coded({ gateway }: Scene, coding: string): Promise<string> {
  const answer = await wire(gateway.url, `/v1/text/${coding}`, {
    headers: { "accept-encoding": "gzip, br, zstd, deflate" },
  });
  const told = answer.header("content-encoding") ?? "identity";
  const length = answer.header("content-length");
  if (length !== undefined && Number(length) !== answer.body.length) return "broken: the length is another";
  if (told === coding && answer.body.equals(CODED[coding]!)) return "untouched";
  if (told === "identity") return answer.body.toString() === TEXT ? "decoded, and says so" : "broken";
  const decode: Record<string, (body: Buffer) => Buffer> = { gzip: gunzipSync, br: brotliDecompressSync };
  return decode[told]?.(answer.body).toString() === TEXT ? `coded anew as ${told}` : "broken";
}

const codings: Case[] = ["identity", "gzip", "br", "zstd", "deflate"].map((coding) => ({
  group: "Encoded bodies",
  name: coding,
  want: "untouched",
  find: (scene) => coded(scene, coding),
}));

/** A WebSocket of the test's, with what it hears. */
async function socketTo(url: string, protocols?: string[]) {
  const socket = new WebSocket(url.replace("http", "ws"), protocols as never);
  socket.binaryType = "arraybuffer";
  const heard: unknown[] = [];
  let closed: string | undefined;
  socket.addEventListener("message", ({ data }) => void heard.push(data));
  socket.addEventListener("close", ({ code, reason }) => {
    closed = `${code} ${reason}`.trim();
  });
  await until(() => socket.readyState === WebSocket.OPEN || closed !== undefined, { message: "an open WebSocket" });
  return { socket, heard, closed: () => closed };
}

/** The cases, in the order of the matrix. */
export const CASES: readonly Case[] = [
  {
    group: "Routing",
    name: "a prefix matches whole segments; what matches nothing is 404 `no_route`",
    want: "200 /x, 404 no_route",
    async find({ gateway }) {
      const hit = await wire(gateway.url, "/v1/x");
      const miss = await wire(gateway.url, "/v1x");
      return `${hit.status} ${seenBy(hit.body).target}, ${miss.status} ${problemCode(miss.body)}`;
    },
  },
  {
    group: "Routing",
    name: "a wildcard host, a rewritten path, the query as it was",
    want: "/wild/a?b=%20&c",
    async find({ gateway }) {
      return seenBy((await wire(gateway.url, "/a?b=%20&c", { host: "api.example.org" })).body).target;
    },
  },
  {
    group: "Routing",
    name: "methods pass as they are",
    want: "PUT PATCH DELETE OPTIONS",
    async find({ gateway }) {
      const methods: string[] = [];
      for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS"]) {
        methods.push(
          seenBy((await wire(gateway.url, "/v1/x", { method, headers: { "content-length": "0" } })).body).method,
        );
      }
      return methods.join(" ");
    },
  },
  {
    group: "Streaming",
    name: "the first event of a stream arrives before its end",
    want: "yes",
    async find({ gateway, stage }) {
      const response = await fetch(`${gateway.url}/v1/sse`);
      const reader = response.body!.getReader();
      const first = new TextDecoder().decode((await reader.read()).value);
      stage.pods.release();
      const second = new TextDecoder().decode((await reader.read()).value);
      return first === "data: 1\n\n" && second === "data: 2\n\n" ? "yes" : `${first}|${second}`;
    },
  },
  {
    group: "Streaming",
    name: "a request body reaches the pod while it is being sent",
    want: "yes",
    async find({ gateway, stage }) {
      const { hostname, port } = new URL(gateway.url);
      const request = httpRequest({ hostname, port, path: "/v1/upload", method: "POST" });
      const answered = new Promise<string>((resolve, reject) => {
        request.on("error", reject);
        request.on("response", (response) => {
          let text = "";
          response.on("data", (chunk) => {
            text += chunk;
          });
          response.on("end", () => resolve(text));
        });
      });
      request.write("a".repeat(1000));
      const before = await until(() => stage.pods.uploaded() === 1000, {
        timeout: 3000,
        message: "the first part",
      }).catch(() => false);
      request.end("b".repeat(500));
      const whole = await answered;
      return whole === "1500" ? (before ? "yes" : "only when it is complete") : whole;
    },
  },
  {
    group: "Streaming",
    name: `${LARGE / 1024 / 1024} MB arrive whole`,
    want: "yes",
    async find({ gateway }) {
      const body = new Uint8Array(await (await fetch(`${gateway.url}/v1/large`)).arrayBuffer());
      const right = body.length === LARGE && body.every((byte, at) => byte === (Math.floor(at / 65_536) & 255));
      return right ? "yes" : `${body.length} bytes`;
    },
  },
  {
    group: "Streaming",
    name: "a client that leaves ends the pod's stream within a second",
    want: "yes",
    async find({ gateway, stage }) {
      const before = stage.pods.left();
      const leaving = new AbortController();
      const response = await fetch(`${gateway.url}/v1/sse`, { signal: leaving.signal });
      await response.body!.getReader().read();
      leaving.abort();
      const gone = () => stage.pods.left() > before;
      return await until(gone, { timeout: 1000, message: "the pod's end" }).then(
        () => "yes",
        () => "no",
      );
    },
  },
  {
    group: "Headers",
    name: "one-hop fields of a request stop at the gateway",
    want: "none passes",
    async find({ gateway }) {
      const headers = { te: "trailers", "keep-alive": "timeout=5", "proxy-authorization": "Basic eA==", trailer: "x" };
      const { headers: seen } = seenBy((await wire(gateway.url, "/v1/x", { headers })).body);
      const passed = Object.keys(headers).filter((name) => seen[name] !== undefined);
      return passed.length === 0 ? "none passes" : `passes: ${passed}`;
    },
  },
  {
    group: "Headers",
    name: "a field that `Connection` names stops at the gateway",
    want: "yes",
    async find({ gateway }) {
      const headers = { connection: "close, x-named", "x-named": "1" };
      const { headers: seen } = seenBy((await wire(gateway.url, "/v1/x", { headers })).body);
      return seen["x-named"] === undefined ? "yes" : "no";
    },
  },
  {
    group: "Headers",
    name: "one-hop fields of an answer stop at the gateway",
    want: "none passes",
    async find({ gateway }) {
      const answer = await wire(gateway.url, "/v1/hops");
      const passed = ["x-named", "keep-alive", "proxy-authenticate"].filter(
        (name) => answer.header(name) !== undefined,
      );
      return passed.length === 0 ? "none passes" : `passes: ${passed}`;
    },
  },
  {
    group: "Headers",
    name: "`X-Forwarded-For` of a stranger is replaced; `-Proto` and `-Host` are told",
    want: "127.0.0.1, http, shop.test",
    async find({ gateway }) {
      const headers = { "x-forwarded-for": "6.6.6.6", "x-forwarded-proto": "https", "x-forwarded-host": "evil.test" };
      const { headers: seen } = seenBy((await wire(gateway.url, "/v1/x", { host: "shop.test", headers })).body);
      return [seen["x-forwarded-for"], seen["x-forwarded-proto"], seen["x-forwarded-host"]].join(", ");
    },
  },
  {
    group: "Headers",
    name: "what middleware sets cannot be removed or said in another spelling, nor `X-Real-IP` be made up",
    want: "acme, none, 127.0.0.1, none",
    async find({ gateway }) {
      const forged = { x_tenant: "root", "x-real-ip": "6.6.6.6", "x-forwarded-user": "root" };
      const headers = { connection: "close, x-tenant", ...forged };
      const { headers: seen } = seenBy((await wire(gateway.url, "/set/x", { headers })).body);
      const names = ["x-tenant", "x_tenant", "x-real-ip", "x-forwarded-user"];
      return names.map((name) => seen[name] ?? "none").join(", ");
    },
  },
  {
    group: "Headers",
    name: "`Host` as `pass_host` says: pass, node, rewrite",
    want: "pass, node, rewrite",
    but: { workers: "node, node, node" },
    find: async ({ gateway, stage }) => {
      const hosts: (string | undefined)[] = [];
      for (const path of ["/v1/x", "/as-node/x", "/as-other/x"]) {
        const { headers, pod } = seenBy((await wire(gateway.url, path, { host: "shop.test" })).body);
        const node = `${stage.pods.addresses[Number(pod.at(-1)) - 1]}:${stage.pods.port}`;
        const names: Record<string, string> = { "shop.test": "pass", [node]: "node", "other.test": "rewrite" };
        hosts.push(names[headers.host!] ?? headers.host);
      }
      return hosts.join(", ");
    },
  },
  {
    group: "Headers",
    name: "three `Set-Cookie` stay three, beside a field the route adds",
    want: "3",
    async find({ gateway }) {
      const answer = await wire(gateway.url, "/cookies");
      if (answer.header("x-added") !== "1") return "the route's field is missing";
      return String(answer.headers.filter(([name]) => name === "set-cookie").length);
    },
  },
  ...codings,
  {
    group: "Answers without a body",
    name: "HEAD tells the length of the GET",
    want: String(TEXT.length),
    async find({ gateway }) {
      const answer = await wire(gateway.url, "/v1/text/identity", { method: "HEAD" });
      return answer.body.length > 0 ? "a body came" : (answer.header("content-length") ?? "no length");
    },
  },
  {
    group: "Answers without a body",
    name: "204 and 304 have none, and 304 keeps its `ETag`",
    want: '204 0, 304 0 "1"',
    async find({ gateway }) {
      const no = await wire(gateway.url, "/v1/status/204");
      const same = await wire(gateway.url, "/v1/status/304");
      return `${no.status} ${no.body.length}, ${same.status} ${same.body.length} ${same.header("etag")}`;
    },
  },
  {
    group: "Answers without a body",
    name: "a redirect is the client's to follow",
    want: "302 http://elsewhere.test/a?b",
    async find({ gateway }) {
      const answer = await wire(gateway.url, "/v1/status/302");
      return `${answer.status} ${answer.header("location")}`;
    },
  },
  {
    group: "Problem answers",
    name: "a service nobody knows",
    want: "503 service_unknown application/problem+json",
    async find({ gateway }) {
      const answer = await wire(gateway.url, "/unknown");
      return `${answer.status} ${problemCode(answer.body)} ${answer.header("content-type")}`;
    },
  },
  {
    group: "Problem answers",
    name: "a pod that nobody listens at",
    want: "502 upstream_connect",
    but: { workers: "502 upstream_reset" },
    async find({ gateway }) {
      const answer = await wire(gateway.url, "/gone");
      return `${answer.status} ${problemCode(answer.body)}`;
    },
  },
  {
    group: "Problem answers",
    name: "a pod that does not answer in time",
    want: "504 upstream_timeout",
    async find({ gateway }) {
      const answer = await wire(gateway.url, "/slow");
      return `${answer.status} ${problemCode(answer.body)}`;
    },
  },
  {
    group: "Problem answers",
    name: "a path whose readings lead to different routes",
    want: "400 ambiguous_path",
    async find({ gateway }) {
      const answer = await wire(gateway.url, "//v1/x");
      return `${answer.status} ${problemCode(answer.body)}`;
    },
  },
  {
    group: "Discovery",
    name: "both pods get requests; one that is removed gets none; one that is added does",
    want: "pod-1 pod-2, pod-2, pod-1 pod-2",
    async find({ gateway, stage }) {
      const { addresses } = stage.pods;
      const rounds: string[] = [];
      const answering = async (): Promise<string> => {
        const pods = new Set<string>();
        for (let i = 0; i < 6; i++) pods.add(seenBy((await wire(gateway.url, "/v1/x")).body).pod);
        return [...pods].sort().join(" ");
      };
      const expect = async (addressesNow: readonly string[], pods: string): Promise<void> => {
        stage.setPods(addressesNow);
        let last = "";
        const settled = async () => {
          last = await answering();
          return last === pods;
        };
        await until(settled, { interval: 50, message: "the pods" }).catch(() => {});
        rounds.push(last);
      };
      await expect(addresses, "pod-1 pod-2");
      await expect([addresses[1]!], "pod-2");
      await expect(addresses, "pod-1 pod-2");
      return rounds.join(", ");
    },
  },
  {
    group: "Admin API",
    name: "`/readyz` and the nodes of a service",
    want: "200, 2 nodes",
    but: { workers: "none" },
    async find({ gateway, stage }) {
      if (gateway.adminUrl === undefined) return "none";
      const ready = await fetch(`${gateway.adminUrl}/readyz`);
      const nodes = await fetch(`${gateway.adminUrl}/v1/discovery/kubernetes/nodes?service=demo/web:http`);
      const found = ((await nodes.json()) as { nodes: { port: number }[] }).nodes;
      return `${ready.status}, ${found.filter(({ port }) => port === stage.pods.port).length} nodes`;
    },
  },
  {
    group: "WebSocket",
    name: "text and bytes both ways, with the subprotocol the pod chose",
    want: "chat, hello, 3 bytes",
    async find({ gateway }) {
      const { socket, heard } = await socketTo(`${gateway.url}/ws`, ["chat", "other"]);
      socket.send("hello");
      socket.send(new Uint8Array([1, 2, 3]));
      await until(() => heard.length === 2, { message: "both messages back" });
      const found = `${socket.protocol}, ${heard[0]}, ${(heard[1] as ArrayBuffer).byteLength} bytes`;
      socket.close();
      return found;
    },
  },
  {
    group: "WebSocket",
    name: "a client that closes gets its close frame back",
    want: "4001 done",
    async find({ gateway }) {
      const { socket, closed } = await socketTo(`${gateway.url}/ws`);
      socket.close(4001, "done");
      await until(() => closed() !== undefined, { message: "the end of the closing handshake" });
      return closed()!;
    },
  },
  {
    group: "WebSocket",
    name: "what a pod answers that wants none is the client's answer",
    want: "302 http://elsewhere.test/a?b",
    async find({ gateway }) {
      const headers = {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      };
      const answer = await wire(gateway.url, "/v1/status/302", { headers });
      return `${answer.status} ${answer.header("location")}`;
    },
  },
  {
    group: "WebSocket",
    name: "a megabyte in one message",
    want: "yes",
    async find({ gateway }) {
      const { socket, heard } = await socketTo(`${gateway.url}/ws`);
      const message = "x".repeat(1024 * 1024);
      socket.send(message);
      await until(() => heard.length === 1, { message: "the message back" });
      socket.close();
      return heard[0] === message ? "yes" : "no";
    },
  },
];

/** Request targets that servers and fetch treat each in their own way. */
export const ODD_PATHS: readonly string[] = [
  "/v1/a%2Fb",
  "/v1/%7Ea",
  "/v1/a b%20c".replace(" ", "+"),
  "/v1/a//b",
  "/v1/a/../b",
  "/v1/a/%2e%2e/b",
  "/v1/a/./b",
  "/v1/a\\b",
  '/v1/"<>{}|^`',
  "/v1/ü",
  "/v1/%C3%BC",
  "/v1/a;b=1",
  "/v1/a?x=%2F&y=a|b'\"",
  "/v1/a?",
  "/v1/%zz",
  "/v1/..",
  "/v1/../v1/x",
  "/plain/a/%2e%2e/b",
  "/plain/%2E%2e/v1/x",
  "/plain\\..\\v1\\x",
];

/** What a pod reads for an odd target, or the answer that there is instead. */
export async function oddPath({ gateway }: Scene, path: string): Promise<string> {
  const answer = await wire(gateway.url, path);
  if (answer.status !== 200) return String(answer.status);
  const { target } = seenBy(answer.body);
  return target;
}
