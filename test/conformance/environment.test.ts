import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { rawPod } from "../proxy/helpers.ts";
import { framingPod, gatewayTo } from "./support.ts";

describe("a forward proxy in the environment", () => {
  test("is not asked for pods, health checks included", async () => {
    const proxy = await rawPod((socket) => void socket.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"));
    const pod = await framingPod();
    const url = `http://127.0.0.1:${proxy.port}`;
    const proxies = { HTTP_PROXY: url, http_proxy: url, HTTPS_PROXY: url, ALL_PROXY: url, NO_PROXY: "", no_proxy: "" };
    await using gateway = await gatewayTo([pod.port], {
      env: proxies,
      route: { health: { active: { path: "/healthz", interval: 100 } } },
    });
    const answer = await gateway.fetch("/x");
    assertEquals([answer.status, await answer.text()], [200, "ok /x"]);
    assertEquals(proxy.requests, []);
    proxy.stop();
    pod.stop();
  });
});
