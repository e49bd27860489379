import { afterAll, beforeAll, describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { type GatewayProcess, startGateway } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { answerWith, fieldValues, headLines, type RawPod, rawPod, rawRequest } from "../proxy/helpers.ts";

const MODULE = `export default () => async (c, next) => {
  c.req.raw.headers.set("x-by-module", "1");
  c.req.raw.headers.delete("x-internal");
  await next();
};
`;

let pod: RawPod;
let gateway: GatewayProcess;
beforeAll(async () => {
  pod = await rawPod((socket) => void socket.write(answerWith("ok")));
  const nodes = [{ host: "127.0.0.1", port: pod.port }];
  const auth = { key_auth: { consumers: [{ name: "alice", key: "sekrit" }] } };
  gateway = await startGateway({
    config: {
      server: { listen: "127.0.0.1:0" },
      admin: false,
      routes: [
        { id: "open", path: "/", nodes },
        { id: "auth", path: "/auth", nodes, middleware: [auth] },
        {
          id: "set",
          path: "/set",
          nodes,
          middleware: [{ set_headers: { "x-tenant": "acme", "x-told": "{header.x-real-ip}" } }],
        },
        { id: "module", path: "/module", nodes, middleware: [{ use: "./module.ts" }] },
        {
          id: "route",
          path: "/route",
          nodes,
          request_headers: { set: { "x-set": "1", u_set: "1" }, add: { "x-add": "1" }, remove: ["x-gone"] },
        },
        {
          id: "forged",
          path: "/in",
          headers: { "x-forwarded-for": "9.9.9.9" },
          nodes: [{ host: "127.0.0.1", port: 1 }],
        },
        {
          id: "limited",
          path: "/limited",
          nodes,
          middleware: [{ rate_limit: { limit: 2, window: 600_000, key: { header: "x-forwarded-for" } } }],
        },
      ],
    },
    files: { "module.ts": MODULE },
  });
});
afterAll(async () => {
  await gateway.stop();
  pod.stop();
});

const port = (): number => Number(new URL(gateway.url).port);

/** Sends fields, and gives back the answer's status line and the request as the pod got it. */
async function send(path: string, ...fields: string[]): Promise<{ status: number; request: string }> {
  const before = pod.requests.length;
  const answer = await rawRequest(port(), [`GET ${path} HTTP/1.1`, "Host: shop.test", ...fields, "", ""].join("\r\n"));
  return { status: Number(answer.split(" ")[1]), request: pod.requests[before] ?? "" };
}

/** The fields of a request as WSGI, CGI and PHP know them: `-` and `_` are one, and to some servers all that is no letter. */
const cgiValues = (request: string, name: string): string[] =>
  headLines(request)
    .slice(1)
    .flatMap((line) => {
      const colon = line.indexOf(":");
      return line
        .slice(0, colon)
        .toLowerCase()
        .replace(/[^a-z0-9]/g, "-") === name
        ? [line.slice(colon + 1).trim()]
        : [];
    });

describe("a client", () => {
  const key = "X-Api-Key: sekrit";

  test("cannot remove a header that middleware sets by naming it in Connection", async () => {
    const named = await send("/auth", key, "Connection: close, x-consumer-username, x-own", "X-Own: 1");
    assertEquals(fieldValues(named.request, "x-consumer-username"), ["alice"]);
    assertEquals(fieldValues(named.request, "x-own"), []);
    const set = await send("/set", "Connection: x-tenant");
    assertEquals(fieldValues(set.request, "x-tenant"), ["acme"]);
    const module = await send("/module", "Connection: x-by-module");
    assertEquals(fieldValues(module.request, "x-by-module"), ["1"]);
  });

  test("cannot say a header of middleware or of the route in another spelling", async () => {
    const cases: [path: string, sent: string, name: string, seen: string[]][] = [
      ["/auth", "X_Consumer_Username: root", "x-consumer-username", ["alice"]],
      ["/set", "X_Tenant: root", "x-tenant", ["acme"]],
      ["/module", "X_By-Module: root", "x-by-module", ["1"]],
      ["/module", "X_Internal: root", "x-internal", []],
      ["/route", "X_Set: root", "x-set", ["1"]],
      ["/route", "X_Add: root", "x-add", ["1"]],
      ["/route", "X_Gone: root", "x-gone", []],
      ["/route", "U-Set: root", "u-set", ["1"]],
      ["/open", "X_Forwarded_For: 6.6.6.6", "x-forwarded-for", ["127.0.0.1"]],
      ["/open", "X_Real_Ip: 6.6.6.6", "x-real-ip", ["127.0.0.1"]],
      ["/auth", "X.Consumer.Username: root", "x-consumer-username", ["alice"]],
      ["/auth", "X-Consumer!Username: root", "x-consumer-username", ["alice"]],
      ["/set", "X.Tenant: root", "x-tenant", ["acme"]],
      ["/module", "X.By~Module: root", "x-by-module", ["1"]],
      ["/route", "X.Gone: root", "x-gone", []],
      ["/open", "X.Forwarded.For: 6.6.6.6", "x-forwarded-for", ["127.0.0.1"]],
      ["/open", "Content.Length: 5", "content-length", []],
      ["/open", "X_Mine: 1", "x-mine", ["1"]],
      ["/open", "X.Mine: 1", "x-mine", ["1"]],
      ["/auth", "X_Mine: 1", "x-mine", ["1"]],
    ];
    for (const [path, sent, name, seen] of cases) {
      const { request } = await send(path, key, sent);
      assertEquals(cgiValues(request, name), seen, `${path} ${sent}`);
    }
  });

  test("cannot tell the pod an address, identity, scheme or first request of its own making", async () => {
    const forged = ["X-Real-IP", "X-Forwarded-User", "X-Forwarded-Scheme", "X-Client-IP", "X-Original-URL"];
    const others = ["X-Rewrite-URL", "Client-IP", "Client-Cert", "Client-Cert-Chain", "X-Scheme", "Front-End-Https"];
    const names = [...forged, ...others, "X-Forwarded-Client-Cert", "X-Consumer-Username", "X-Credential-Identifier"];
    const { request } = await send("/", ...names.map((name) => `${name}: forged`));
    assertEquals(
      headLines(request).filter((line) => line.includes("forged")),
      [],
    );
    assertEquals(fieldValues(request, "x-real-ip"), ["127.0.0.1"]);
    assertEquals(fieldValues(request, "x-forwarded-port"), [String(port())]);
  });

  test("does not reach a route, a limit or a template by a forwarding header of its own", async () => {
    assertEquals((await send("/in", "X-Forwarded-For: 9.9.9.9")).status, 200);
    const statuses: number[] = [];
    for (const address of ["1.1.1.1", "1.1.1.2", "1.1.1.3"]) {
      statuses.push((await send("/limited", `X-Forwarded-For: ${address}`)).status);
    }
    assertEquals(statuses, [200, 200, 429]);
    const told = await send("/set", "X-Real-IP: 6.6.6.6");
    assertEquals(
      headLines(told.request).filter((line) => line.includes("6.6.6.6")),
      [],
    );
  });

  test("that sends forwarding headers is warned of once, with the key for a proxy of one's own", async () => {
    await send("/", "X-Forwarded-For: 9.9.9.9");
    const warnings = (): string[] => gateway.stderr.filter((line) => line.includes("server.trusted_proxies"));
    await until(() => warnings().length > 0, { message: "a warning" });
    await send("/", "X-Forwarded-For: 9.9.9.9");
    assertEquals(warnings().length, 1);
    assertEquals(JSON.parse(warnings()[0]!).peer, "127.0.0.1");
  });
});
