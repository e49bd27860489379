import { describe, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { silentLogger } from "../../../src/base/log.ts";
import { createCluster } from "../../../src/discovery/cluster.ts";
import { createDiscovery } from "../../../src/discovery/discovery.ts";
import { type OnDemandFeedOptions, onDemandFeed } from "../../../src/discovery/feeds/on-demand.ts";
import type { ClusterOptions } from "../../../src/discovery/options.ts";
import { embedded } from "../../helpers/embedded.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { seededRandom } from "../../helpers/random.ts";
import { at, clusterConfig, connectionOver, slice } from "../support.ts";

/** An apiserver with one service, and clusters over it that nothing runs between requests. */
function world() {
  const clock = createFakeClock();
  const api = embedded({ clock });
  api.apply([slice("web-a", [at("10.0.0.1")])]);
  const random = seededRandom();
  const cluster = (feed: Partial<OnDemandFeedOptions> = {}, settings: Partial<ClusterOptions> = {}) => {
    const connect = async () => connectionOver(api.fetch);
    const config = clusterConfig({ mode: "poll", poll_interval: 1000, ...settings });
    const made = createCluster(config, onDemandFeed({ connect, background: () => {}, ...feed }), {
      clock,
      random,
      logger: silentLogger,
      keepsJournal: false,
    });
    const discovery = createDiscovery({ clusters: [made], multi: false });
    return { ...made, upstream: discovery.upstream({ service: "web" }) };
  };
  const lists = (): number => api.requests.filter(({ verb }) => verb === "list").length;
  return { clock, api, cluster, lists };
}

describe("a cluster that is fed on demand", () => {
  test("lists for the first request, and afterwards serves what it has while it lists", async () => {
    const { clock, api, cluster, lists } = world();
    const { upstream, status } = cluster();
    assertEquals(upstream.endpoints(), []);
    await upstream.refresh();
    assertEquals([upstream.endpoints()[0]?.host, lists(), status().state], ["10.0.0.1", 1, "polling"]);
    api.apply(slice("web-a", [at("10.0.0.2")]));
    await clock.advance(1500);
    assertEquals([upstream.refresh(), upstream.endpoints()[0]?.host], [undefined, "10.0.0.1"]);
    await clock.advance(10);
    assertEquals([upstream.endpoints()[0]?.host, lists()], ["10.0.0.2", 2]);
  });

  test("makes requests wait once it is older than max_stale, and says so while it cannot list", async () => {
    const { clock, api, cluster } = world();
    const { upstream } = cluster({}, { max_stale: 3000 });
    await upstream.refresh();
    api.faults.add({ effect: { kind: "status", code: 503 } });
    await clock.advance(5000);
    const wait = upstream.refresh();
    assert(wait !== undefined);
    await clock.advance(1000);
    await wait;
    assertEquals([upstream.endpoints(), upstream.reason()?.code], [[], "not_synced"]);
    assertStringIncludes(upstream.reason()!.detail, "older than max_stale");
  });

  test("takes the snapshot that another holds, and its text only when that changed", async () => {
    const { clock, api, cluster, lists } = world();
    const shared = cluster();
    await shared.feed.refreshNow();
    const texts: boolean[] = [];
    const other = cluster({
      async fetchShared(_id, have) {
        const answer = await shared.feed.share(have);
        texts.push(answer.text !== undefined);
        return answer;
      },
    });
    await other.feed.refreshNow();
    assertEquals([other.upstream.endpoints()[0]?.host, other.synced(), lists()], ["10.0.0.1", true, 1]);
    await other.feed.refreshNow();
    api.apply(slice("web-a", [at("10.0.0.2")]));
    await clock.advance(1000);
    await shared.feed.refreshNow();
    await other.feed.refreshNow();
    assertEquals(other.upstream.endpoints()[0]?.host, "10.0.0.2");
    assertEquals(texts, [true, false, true]);
    assertEquals([other.feed.age(), other.status().state], [shared.feed.age(), "polling"]);
  });

  test("says why the shared snapshot cannot be had", async () => {
    const { cluster } = world();
    const { upstream } = cluster({ fetchShared: () => Promise.reject(new Error("no list yet")) });
    await upstream.refresh();
    assertEquals(upstream.reason()?.code, "not_synced");
    assertStringIncludes(upstream.reason()!.detail, "unreachable, the shared snapshot cannot be had: no list yet");
  });
});
