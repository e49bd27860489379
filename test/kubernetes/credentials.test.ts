import { describe, test } from "bun:test";
import { assert, assertEquals, assertNotMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { silentLogger } from "../../src/base/log.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import {
  type ExecConfig,
  execCredentials,
  tokenCredentials,
  tokenFileCredentials,
} from "../../src/kubernetes/credentials.ts";
import { ApiError } from "../../src/kubernetes/errors.ts";
import type { CommandResult } from "../../src/platform/process.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { memoryFiles } from "../helpers/memory-files.ts";
import { createScriptedApiserver, listOf, slices, statusOf } from "../helpers/scripted-apiserver.ts";

const signal = new AbortController().signal;

describe("a token", () => {
  test("is sent without the line end that stood in the configuration", async () => {
    assertEquals(await tokenCredentials(" abc.def \n").authorization(), "Bearer abc.def");
  });

  test("that cannot be one is refused without being shown", async () => {
    const error = await assertRejects(() => tokenCredentials("sec\nret").authorization());
    assertNotMatch(error.message, /sec|ret/);
  });
});

describe("a token file", () => {
  test("is trimmed, and read anew when what is known is older than a minute", async () => {
    const clock = createFakeClock();
    const files = memoryFiles({ "/token": "one\n" });
    const { authorization } = tokenFileCredentials({ path: "/token", files, clock });
    assertEquals(await authorization(), "Bearer one");
    files.set("/token", "two\n");
    await clock.advance(59_000);
    assertEquals(await authorization(), "Bearer one");
    await clock.advance(1000);
    assertEquals(await authorization(), "Bearer two");
    assertEquals(files.reads, ["/token", "/token"]);
  });

  test("is read once for all that ask at the same time", async () => {
    const files = memoryFiles({ "/token": "one" });
    const { authorization } = tokenFileCredentials({ path: "/token", files, clock: createFakeClock() });
    await Promise.all([authorization(), authorization(), authorization()]);
    assertEquals(files.reads.length, 1);
  });

  test("that is away for a moment does not stop a token that works", async () => {
    const clock = createFakeClock();
    const files = memoryFiles({ "/token": "one" });
    const credentials = tokenFileCredentials({ path: "/token", files, clock });
    await credentials.authorization();
    files.delete("/token");
    await clock.advance(61_000);
    assertEquals(await credentials.authorization(), "Bearer one");
    credentials.rejected();
    await assertRejects(() => credentials.authorization(), Error, "/token");
  });

  test("that rotates costs no failed list: a 401 reads it anew and tries once more", async () => {
    const clock = createFakeClock();
    const files = memoryFiles({ "/token": "old\n" });
    const server = createScriptedApiserver();
    let valid = "old";
    server.list = ({ headers }) =>
      headers.get("authorization") === `Bearer ${valid}`
        ? listOf("1", [])
        : statusOf(401, "Unauthorized", "Unauthorized");
    const credentials = tokenFileCredentials({ path: "/token", files, clock });
    const api = createApiClient({ connection: { ...server.connection, credentials }, logger: silentLogger, clock });
    await api.list(slices, {}, signal);
    valid = "new";
    files.set("/token", "new\n");
    await api.list(slices, {}, signal);
    assertEquals(
      server.lists.map(({ headers }) => headers.get("authorization")),
      ["Bearer old", "Bearer old", "Bearer new"],
    );
  });

  test("that holds the same refused token is not tried twice", async () => {
    const clock = createFakeClock();
    const server = createScriptedApiserver();
    server.list = () => statusOf(401, "Unauthorized", "Unauthorized");
    const files = memoryFiles({ "/token": "old" });
    const credentials = tokenFileCredentials({ path: "/token", files, clock });
    const api = createApiClient({ connection: { ...server.connection, credentials }, logger: silentLogger, clock });
    const error = await assertRejects(() => api.list(slices, {}, signal), ApiError);
    assertEquals((error as ApiError).code, "unauthorized");
    assertEquals([server.lists.length, files.reads.length], [1, 2]);
  });
});

describe("an exec plugin", () => {
  const config: ExecConfig = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "get-token",
    args: ["--cluster", "x"],
    env: { REGION: "eu" },
    installHint: "brew install get-token",
    cluster: { server: "https://10.0.0.1:6443" },
  };
  const credential = (status: object, apiVersion = config.apiVersion): CommandResult => ({
    code: 0,
    stdout: JSON.stringify({ apiVersion, kind: "ExecCredential", status }),
    stderr: "",
  });

  function plugin(answer: () => CommandResult | Promise<CommandResult>, exec: ExecConfig = config) {
    const clock = createFakeClock();
    const calls: { command: string; args: readonly string[]; env: Readonly<Record<string, string>> }[] = [];
    const credentials = execCredentials({
      exec,
      env: { PATH: "/bin", REGION: "us", UNSET: undefined },
      clock,
      run: async (command, args, env) => {
        calls.push({ command, args, env });
        return answer();
      },
    });
    return { clock, calls, credentials };
  }

  test("is run with its arguments, the environment of both, and what it may know of the cluster", async () => {
    for (const version of ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]) {
      const { calls, credentials } = plugin(() => credential({ token: "t" }, version), {
        ...config,
        apiVersion: version,
      });
      assertEquals(await credentials.authorization(), "Bearer t");
      const { KUBERNETES_EXEC_INFO: info, ...env } = calls[0]!.env;
      assertEquals(
        [calls[0]!.command, calls[0]!.args, env],
        ["get-token", ["--cluster", "x"], { PATH: "/bin", REGION: "eu" }],
      );
      assertEquals(JSON.parse(info!), {
        apiVersion: version,
        kind: "ExecCredential",
        spec: { interactive: false, cluster: config.cluster },
      });
    }
  });

  test("is run again shortly before its token expires, and after a 401, but not in between", async () => {
    let tokens = 0;
    const { clock, calls, credentials } = plugin(() =>
      credential({ token: `t${++tokens}`, expirationTimestamp: new Date(clock.now() + 600_000).toISOString() }),
    );
    await credentials.authorization();
    await clock.advance(580_000);
    assertEquals(await credentials.authorization(), "Bearer t1");
    await clock.advance(11_000);
    assertEquals(await credentials.authorization(), "Bearer t2");
    credentials.rejected();
    assertEquals(await credentials.authorization(), "Bearer t3");
    assertEquals(calls.length, 3);
  });

  test("may give a client certificate instead of a token", async () => {
    const { credentials } = plugin(() => credential({ clientCertificateData: "CERT", clientKeyData: "KEY" }));
    assertEquals(await credentials.authorization(), undefined);
    assertEquals(await credentials.certificate(), { cert: "CERT", key: "KEY" });
  });

  test("that fails is shown with its exit code, its words and the install hint", async () => {
    const { credentials } = plugin(() => ({ code: 3, stdout: "sEcReT", stderr: "please log in\n" }));
    const error = await assertRejects(() => credentials.authorization());
    assertEquals(error.message, "exec plugin get-token ended with exit code 3: please log in. brew install get-token");
  });

  test("that is not installed is shown with the install hint", async () => {
    const { credentials } = plugin(() => {
      throw new Error('Executable not found in $PATH: "get-token"');
    });
    const error = await assertRejects(() => credentials.authorization());
    assertStringIncludes(error.message, "could not be run");
    assertStringIncludes(error.message, "brew install get-token");
  });

  test("that prints something else is refused without repeating it", async () => {
    const outputs = [
      "sEcReT",
      '{"kind":"Secret","token":"sEcReT"}',
      JSON.stringify({
        apiVersion: "client.authentication.k8s.io/v2",
        kind: "ExecCredential",
        status: { token: "sEcReT" },
      }),
      JSON.stringify({ apiVersion: config.apiVersion, kind: "ExecCredential", status: { token: 7, note: "sEcReT" } }),
      JSON.stringify({ apiVersion: config.apiVersion, kind: "ExecCredential" }),
    ];
    for (const stdout of outputs) {
      const { credentials } = plugin(() => ({ code: 0, stdout, stderr: "" }));
      const error = await assertRejects(() => credentials.authorization());
      assert(error.message.startsWith("exec plugin get-token"), error.message);
      assertNotMatch(error.message, /sEcReT/);
    }
  });

  test("that hangs is ended after a minute", async () => {
    const clock = createFakeClock();
    const credentials = execCredentials({
      exec: config,
      env: {},
      clock,
      run: (_command, _args, _env, aborted) =>
        new Promise((_, reject) => aborted.addEventListener("abort", () => reject(aborted.reason))),
    });
    const failed = assertRejects(() => credentials.authorization(), Error, "it took too long");
    await clock.advance(60_000);
    await failed;
  });
});
