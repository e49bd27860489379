import { afterAll, beforeAll, describe, test } from "bun:test";
import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import type { GatewayProcess } from "../helpers/gateway-process.ts";
import { until } from "../helpers/wait.ts";
import { type RealCluster, useCluster } from "./harness/cluster.ts";
import {
  applyExample,
  type Echo,
  sendExample,
  startExample,
  untilSent,
  valuesOf,
  writeEndpoints,
} from "./harness/example.ts";
import { hostsOf, type NodesShape, problemCode, statusOf, untilHosts, untilState } from "./harness/gateway.ts";
import { inPod } from "./harness/in-pod.ts";
import { type Pod, startEchoPod } from "./harness/pods.ts";
import { createToken } from "./harness/users.ts";

let release: RealCluster;
let staging: RealCluster;
const pods: Pod[] = [];

const podAt = async (ip: string, port: number, name: string): Promise<void> => {
  pods.push(await startEchoPod(ip, port, name));
};

/** Where an example outside the cluster finds it. */
const outside = (cluster: RealCluster, token: string): Record<string, string> => ({
  APISERVER_HOST: cluster.host,
  APISERVER_PORT: String(cluster.port),
  APISERVER_CA: cluster.ca,
  TOKEN: token,
});

beforeAll(async () => {
  [release, staging] = await Promise.all([useCluster("release"), useCluster("staging")]);
}, 120_000);

afterAll(async () => {
  await Promise.all(pods.map((pod) => pod.kill()));
});

describe("the example of API7 Cloud", () => {
  const IPS = ["10.244.0.101", "10.244.0.102", "10.244.0.103"];
  const HOST = { host: "sd.httpbin.org" };
  let token: string;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    await applyExample(release, "api7-cloud");
    await writeEndpoints(release, { namespace: "apisix", service: "httpbin", ips: IPS }, [{ name: "web", port: 8000 }]);
    await Promise.all(IPS.map((ip, index) => podAt(ip, 8000, `httpbin-${index + 1}`)));
    token = await createToken(release, "apisix", "apisix-k8s-sd-sa");
    gateway = await startExample("api7-cloud", { env: outside(release, token) });
    await untilHosts(gateway, "apisix/httpbin:80", IPS);
  }, 60_000);

  afterAll(() => gateway?.stop());

  test("passes /v1/anything on as /anything, with the client's host", async () => {
    const [echo] = valuesOf<Echo>(await sendExample("api7-cloud", gateway));
    assertObjectMatch(echo!, {
      method: "GET",
      path: "/anything",
      headers: { host: "sd.httpbin.org", "x-forwarded-host": "sd.httpbin.org" },
    });
  });

  test("reaches the pods' own port by the Service's: 80 leads to 8000", async () => {
    const answer = await gateway.admin("/v1/discovery/kubernetes/nodes?service=apisix/httpbin:80");
    assertEquals(
      ((await answer.json()) as NodesShape).nodes,
      IPS.map((host) => ({ host, port: 8000, weight: 50 })),
    );
  });

  test("asks the three replicas in sequence", async () => {
    const asked: string[] = [];
    for (let i = 0; i < 9; i++) asked.push(valuesOf<Echo>(await sendExample("api7-cloud", gateway))[0]!.pod);
    assertEquals(new Set(asked.slice(0, 3)).size, 3);
    assertEquals([asked.slice(3, 6), asked.slice(6, 9)], [asked.slice(0, 3), asked.slice(0, 3)]);
  });

  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
    test(`passes ${method} on`, async () => {
      const body = ["POST", "PUT", "PATCH"].includes(method) ? "some text" : undefined;
      const answer = await gateway.fetch("/v1/anything/below?a=b", { method, headers: HOST, body });
      const echo = (await answer.json()) as Echo & { data: string };
      assertObjectMatch(echo, { method, path: "/anything/below", data: body ?? "" });
    });
  }

  test("passes HEAD on", async () => {
    assertEquals((await gateway.fetch("/v1/anything", { method: "HEAD", headers: HOST })).status, 200);
  });

  test("has no route for another host or another path", async () => {
    assertEquals(await problemCode(await gateway.fetch("/v1/anything")), "no_route");
    assertEquals(await problemCode(await gateway.fetch("/v1/other", { headers: HOST })), "no_route");
  });

  test("answers 503 once discovery is taken out of its config, without a restart", async () => {
    const text = await Bun.file(gateway.configFile).text();
    const without = text.slice(text.indexOf("routes:"));
    await Bun.write(gateway.configFile, without);
    const answer = await until(
      async () => {
        const response = await gateway.fetch("/v1/anything", { headers: HOST });
        if (response.status === 200) return void (await response.text());
        return response;
      },
      { message: "an answer that is not 200" },
    );
    assertEquals([answer.status, await problemCode(answer)], [503, "service_unknown"]);
    await Bun.write(gateway.configFile, text);
    await until(async () => (await gateway.fetch("/v1/anything", { headers: HOST })).status === 200, {
      message: "the config with discovery to be in force again",
    });
  });
});

describe("the examples of APISIX", () => {
  const IPS = ["10.244.0.109", "10.244.0.110"];
  const NODES = IPS.map((host) => ({ host, port: 3306, weight: 50 }));
  const REFERENCE = "default/plat-dev:port";

  beforeAll(async () => {
    await Promise.all([...IPS, "10.244.0.111"].map((ip) => podAt(ip, 3306, `plat-${ip.slice(-3)}`)));
  });

  /** `nodes()` as the documentation has it, and a request that one of the pods answered. */
  const isWorkedExample = ([nodes, echo]: (NodesShape & Echo)[]): boolean =>
    Bun.deepEquals(nodes?.nodes, NODES) && ["plat-109", "plat-110"].includes(echo?.pod ?? "");

  for (const example of ["apisix-single-cluster", "apisix-endpoint-slices", "apisix-minimal-in-pod"]) {
    test(`${example}: a gateway in a pod finds both nodes and sends requests there`, async () => {
      await applyExample(release, example);
      await using gateway = await startExample(example, await inPod(release, "default", "apisix-test"));
      await untilSent(example, gateway, isWorkedExample);
      assertObjectMatch(await statusOf(gateway), { state: "watching", stale: false });
    });
  }

  test("apisix-single-cluster: the label selector holds: what has other labels is not kept", async () => {
    await applyExample(release, "apisix-single-cluster");
    await writeEndpoints(release, { namespace: "default", service: "unlabelled", ips: ["10.244.0.120"] }, [
      { name: "port", port: 1 },
    ]);
    await using gateway = await startExample("apisix-single-cluster", await inPod(release, "default", "apisix-test"));
    await untilHosts(gateway, REFERENCE, IPS);
    assertEquals((await statusOf(gateway)).services, 1);
    assertEquals(await hostsOf(gateway, "default/unlabelled:port"), []);
  });

  test("apisix-outside-a-pod: a gateway outside finds the cluster by address, CA and token", async () => {
    await applyExample(release, "apisix-outside-a-pod");
    const env = outside(release, await createToken(release, "default", "apisix-test"));
    await using gateway = await startExample("apisix-outside-a-pod", { env });
    await untilSent("apisix-outside-a-pod", gateway, isWorkedExample);
  });

  test("apisix-outside-a-pod: keys left empty, as in the documentation's text, are refused by name", async () => {
    const empty = (config: string): string => config.replace("${APISERVER_HOST}", "").replace("${TOKEN}", "");
    const error = await startExample("apisix-outside-a-pod", {
      env: outside(release, "unused"),
      change: empty,
    }).then(
      (gateway) => gateway.stop().then(() => "it started"),
      (refused: Error) => refused.message,
    );
    assert(/exit code 2/.test(error), error);
    assert(/discovery\.kubernetes\.service\.host/.test(error), error);
    assert(/discovery\.kubernetes\.client\.token/.test(error), error);
  });

  test("apisix-multi-cluster: each reference leads to its own cluster", async () => {
    await applyExample(release, "apisix-multi-cluster");
    await applyExample(staging, "apisix-multi-cluster", "cluster-staging.yaml");
    const pod = await inPod(release, "default", "apisix-test");
    await using gateway = await startExample("apisix-multi-cluster", {
      prefix: pod.prefix,
      env: {
        RELEASE_HOST: release.host,
        RELEASE_PORT: String(release.port),
        RELEASE_CA: release.ca,
        STAGING_HOST: staging.host,
        STAGING_PORT: String(staging.port),
        STAGING_CA: staging.ca,
        STAGING_TOKEN: await createToken(staging, "default", "apisix-test"),
      },
    });
    await untilSent<NodesShape & Echo>("apisix-multi-cluster", gateway, ([nodes, first, second]) => {
      return isWorkedExample([nodes!, first!]) && second?.pod === "plat-111";
    });
    for (const id of ["release", "staging"]) await untilState(gateway, "watching", { id });
  });
});

describe("the examples of Ocelot", () => {
  const IPS = ["10.244.0.131", "10.244.0.132"];
  const service = { namespace: "dev", service: "downstreamservice" };
  const HTTP = [{ name: "http", port: 80 }];
  const setEndpoints = (ips: readonly string[]): Promise<void> => writeEndpoints(release, { ...service, ips }, HTTP);

  beforeAll(async () => {
    await Promise.all([...IPS, "10.244.0.133"].map((ip) => podAt(ip, 80, `dev-${ip.slice(-3)}`)));
  });

  /** The example's objects with these pods, and a gateway in a pod. */
  const start = async (example: string, ips: readonly string[]): Promise<GatewayProcess> => {
    await applyExample(release, example);
    await setEndpoints(ips);
    return await startExample(example, await inPod(release, "dev", "gateway"));
  };

  for (const [example, mode] of [
    ["ocelot-kube", "on_request"],
    ["ocelot-pollkube", "polling"],
    ["ocelot-watchkube", "watching"],
  ] as const) {
    test(`${example}: requests reach the first port of the service, and follow its pods`, async () => {
      await using gateway = await start(example, IPS);
      const asked = new Set<string>();
      await untilSent<Echo>(example, gateway, ([echo]) => {
        assertEquals(echo!.path, "/anything");
        asked.add(echo!.pod);
        return asked.size === 2;
      });
      await untilState(gateway, mode);
      await setEndpoints([IPS[1]!]);
      // From the moment the gateway knows, which in this mode is the next request, nothing goes to the first pod.
      if (mode !== "on_request") await untilHosts(gateway, "dev/downstreamservice", [IPS[1]!]);
      for (let i = 0; i < 4; i++) {
        assertEquals(valuesOf<Echo>(await sendExample(example, gateway))[0]!.pod, "dev-132");
      }
    });
  }

  test("ocelot-kube: the apiserver is asked at each request, for the one service", async () => {
    await using gateway = await start("ocelot-kube", IPS);
    await untilState(gateway, "on_request");
    // The first one may find out which version of EndpointSlice the server has.
    await sendExample("ocelot-kube", gateway);
    const asked = async (): Promise<number> =>
      (await release.requestsOf("system:serviceaccount:dev:gateway")).filter(
        ({ verb, query }) => verb === "list" && (query.get("labelSelector") ?? "").includes("downstreamservice"),
      ).length;
    const before = await asked();
    for (let i = 0; i < 3; i++) await sendExample("ocelot-kube", gateway);
    await until(async () => (await asked()) === before + 3, {
      message: async () => `three more lists than ${before}, there are ${await asked()}`,
    });
  });

  test("ocelot-pollkube: the apiserver is asked every PollingInterval, whatever requests come", async () => {
    await using gateway = await start("ocelot-pollkube", IPS);
    await untilState(gateway, "polling");
    const lists = async (): Promise<number> =>
      (await release.requestsOf("system:serviceaccount:dev:gateway")).filter(({ verb }) => verb === "list").length;
    const [before, since] = [await lists(), performance.now()];
    await until(async () => (await lists()) >= before + 20, { message: "20 polls" });
    const interval = (performance.now() - since) / 20;
    assert(interval > 60 && interval < 250, `${interval} ms between polls`);
  });

  test("ocelot-namespace-per-route: a route may have a namespace of its own", async () => {
    const example = "ocelot-namespace-per-route";
    await applyExample(release, example);
    await writeEndpoints(
      release,
      { namespace: "downstream-namespace", service: "downstreamservice", ips: ["10.244.0.133"] },
      HTTP,
    );
    await using gateway = await start(example, [IPS[0]!]);
    await untilSent<Echo>(example, gateway, (echoes) =>
      Bun.deepEquals(
        echoes.map(({ pod }) => pod),
        ["dev-131", "dev-133"],
      ),
    );
  });

  test("ocelot-downstream-scheme: a port by its name, or else the first", async () => {
    const example = "ocelot-downstream-scheme";
    await podAt("10.244.0.134", 443, "port-443");
    await podAt("10.244.0.134", 80, "port-80");
    await applyExample(release, example);
    await writeEndpoints(release, { namespace: "dev", service: "my-service", ips: ["10.244.0.134"] }, [
      { name: "https", port: 443 },
      { name: "http", port: 80 },
    ]);
    await using gateway = await start(example, []);
    await untilSent<Echo>(example, gateway, (echoes) =>
      Bun.deepEquals(
        echoes.map(({ pod }) => pod),
        ["port-80", "port-443"],
      ),
    );
  });
});
