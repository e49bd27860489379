import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { slice } from "../gateway/objects.ts";
import { until } from "../helpers/wait.ts";
import { follow } from "./support.ts";

const NAMES = ["shop/web", "shop/cart", "blog/web", "blog/feed"];

describe("a page of services", () => {
  test("is sorted, found by words in any case, and cut where it is asked to be", async () => {
    await using followed = await follow(NAMES.map((name) => slice(name, ["10.0.0.1"], 80)));
    const page = (search: string, offset = 0, limit = 10) => {
      const { total, found, services } = followed.discovery.services({ search, offset, limit });
      return [total, found, services.map(({ reference }) => reference)];
    };
    assertEquals(page(""), [4, 4, ["blog/feed", "blog/web", "shop/cart", "shop/web"]]);
    assertEquals(page("", 1, 2), [4, 4, ["blog/web", "shop/cart"]]);
    assertEquals(page("WEB"), [4, 2, ["blog/web", "shop/web"]]);
    assertEquals(page("web sho"), [4, 1, ["shop/web"]]);
    assertEquals(page("nothing"), [4, 0, []]);
    assertEquals(page("", 10), [4, 4, []]);
    followed.api.apply(slice("shop/area", ["10.0.0.1"], 80));
    followed.api.remove("EndpointSlice", "blog", "feed-1");
    await until(() => followed.discovery.services({ search: "feed", offset: 0, limit: 1 }).found === 0, {
      message: "it is gone",
    });
    assertEquals(page(""), [4, 4, ["blog/web", "shop/area", "shop/cart", "shop/web"]]);
  });

  test("counts addresses once by their best condition, and follows their changes", async () => {
    const condition = (ip: string, ready: boolean, serving: boolean, terminating: boolean) => ({
      addresses: [ip],
      conditions: { ready, serving, terminating },
    });
    const ports = [
      { name: "http", port: 80 },
      { name: "dns", port: 53, protocol: "UDP" },
    ];
    await using followed = await follow([
      slice("web", ["10.0.0.1", condition("10.0.0.2", false, true, true)], ports, { suffix: "a" }),
      slice("web", [condition("10.0.0.1", false, false, false), condition("10.0.0.3", false, false, false)], ports, {
        suffix: "b",
      }),
    ]);
    const first = () => followed.discovery.services({ search: "", offset: 0, limit: 1 }).services[0];
    assertEquals(first(), {
      cluster: "",
      namespace: "default",
      name: "web",
      reference: "default/web",
      ports: ["http (80)", "dns (53) UDP"],
      portKeys: ["http"],
      addresses: { ready: 1, terminating: 1, unready: 1 },
    });
    followed.api.apply(slice("web", ["10.0.0.1", "10.0.0.2"], ports, { suffix: "a" }));
    await until(() => first()?.addresses.ready === 2, { message: "the change is seen" });
  });

  test("names the cluster where there are several", async () => {
    await using followed = await follow([slice("shop/web", ["10.0.0.1"], 80)], { id: "first" });
    const find = (search: string) => followed.discovery.services({ search, offset: 0, limit: 9 }).services;
    assertEquals(
      find("first web").map(({ reference, cluster }) => [reference, cluster]),
      [["first/shop/web", "first"]],
    );
    assertEquals(find("first/shop").length, 1);
  });
});
