import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import type { LogFields } from "../../src/base/log.ts";
import type { Cluster } from "../../src/discovery/cluster.ts";
import { createClusterSet } from "../../src/gateway/cluster-set.ts";

/** A cluster whose first list comes when a test says so. */
interface Sketch extends Pick<Cluster, "id" | "run" | "synced" | "whenListed"> {
  readonly of: string;
  list(): void;
  /** Ends on its own, as no cluster should. */
  break(error: Error): void;
  stopped: boolean;
}

function sketch(id: string, of: string): Sketch {
  const listed = Promise.withResolvers<void>();
  const broken = Promise.withResolvers<void>();
  let synced = false;
  const one: Sketch = {
    id,
    of,
    stopped: false,
    run: (signal) => {
      signal.addEventListener("abort", () => {
        one.stopped = true;
        broken.resolve();
      });
      return broken.promise;
    },
    synced: () => synced,
    whenListed: (signal) =>
      Promise.race([
        listed.promise,
        new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      ]),
    list() {
      synced = true;
      listed.resolve();
    },
    break: (error) => broken.reject(error),
  };
  return one;
}

/** A set of clusters by id; `text` is the setting that a test changes. */
function setOf() {
  const made: Sketch[] = [];
  const logged: (LogFields & { message: string })[] = [];
  const seen = { changes: 0 };
  const set = createClusterSet({
    create(config) {
      const one = sketch(config.id, config.label_selector ?? "");
      made.push(one);
      return one as unknown as Cluster;
    },
    logger: { log: (_level, message, fields) => void logged.push({ message, ...fields }) },
    onSucceeded: () => void seen.changes++,
  });
  const names = (clusters: readonly Cluster[]): string[] =>
    clusters.map((one) => `${one.id}/${(one as unknown as Sketch).of}`);
  const goOver = (config: object): void => set.prepare(config as Parameters<typeof set.prepare>[0]).commit();
  return {
    set,
    made,
    logged,
    seen,
    /** Goes over to clusters by id and setting. */
    apply: (of: Record<string, string>) =>
      goOver({
        clusters: Object.entries(of).map(([id, label_selector]) => ({ id, label_selector })),
      }),
    current: () => names(set.current()),
    pending: () => names(set.pending()),
    settle: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
}

describe("clusters across reloads", () => {
  test("are kept as they are where their settings stay, and stand in the file's order", async () => {
    const { apply, made, current, pending, set } = setOf();
    apply({ a: "1", b: "1" });
    apply({ b: "1", a: "1" });
    assertEquals([current(), pending(), made.length], [["b/1", "a/1"], [], 2]);
    await set.stop();
    assertEquals(
      made.map(({ stopped }) => stopped),
      [true, true],
    );
  });

  test("whose settings changed serve with those before until the new ones have their first list", async () => {
    const { apply, made, current, pending, seen, settle, set } = setOf();
    apply({ a: "1" });
    made[0]!.list();
    apply({ a: "2" });
    await settle();
    assertEquals([current(), pending(), made[0]!.stopped], [["a/1"], ["a/2"], false]);
    const before = seen.changes;
    made[1]!.list();
    await settle();
    assertEquals([current(), pending(), made[0]!.stopped, made[1]!.stopped], [["a/2"], [], true, false]);
    assertEquals(seen.changes, before + 1, "what was derived from the clusters is derived again");
    await set.stop();
  });

  test("whose settings before never worked go over at once", async () => {
    const { apply, made, current, pending, set } = setOf();
    apply({ a: "1" });
    apply({ a: "2" });
    assertEquals([current(), pending(), made[0]!.stopped], [["a/2"], [], true]);
    await set.stop();
  });

  test("that wait are kept where they are asked for again, and given up for others or for those that serve", async () => {
    const { apply, made, current, pending, settle, set } = setOf();
    apply({ a: "1" });
    made[0]!.list();
    apply({ a: "2" });
    apply({ a: "2" });
    assertEquals([pending(), made.length], [["a/2"], 2]);
    apply({ a: "3" });
    assertEquals([pending(), made[1]!.stopped], [["a/3"], true]);
    apply({ a: "1" });
    assertEquals([current(), pending(), made[2]!.stopped, made[0]!.stopped], [["a/1"], [], true, false]);
    made[1]!.list();
    made[2]!.list();
    await settle();
    assertEquals([current(), made.length], [["a/1"], 3], "one that was given up does not come back");
    await set.stop();
  });

  test("are as they were after a change that is given up, and what was begun for it has ended", async () => {
    const { apply, made, current, pending, settle, set } = setOf();
    apply({ a: "1", b: "1" });
    made[0]!.list();
    apply({ a: "2", b: "1" });
    const before = [current(), pending()];
    const change = set.prepare({
      clusters: [
        { id: "a", label_selector: "3" },
        { id: "c", label_selector: "1" },
      ],
    } as unknown as Parameters<typeof set.prepare>[0]);
    assertEquals([current(), pending()], before, "nothing has changed yet");
    change.discard();
    made[2]!.list();
    await settle();
    assertEquals(current(), ["a/2", "b/1"], "the change that waited is not lost");
    assertEquals(
      made.map(({ stopped }) => stopped),
      [true, false, false, true, true],
    );
    await set.stop();
  });

  test("that are gone from the file are stopped, the one that waits as well", async () => {
    const { apply, made, current, pending, set } = setOf();
    apply({ a: "1", b: "1" });
    made[0]!.list();
    apply({ a: "2", b: "1" });
    apply({ b: "1" });
    assertEquals([current(), pending()], [["b/1"], []]);
    assertEquals(
      made.map(({ stopped }) => stopped),
      [true, false, true],
    );
    set.prepare(undefined).commit();
    assertEquals([current(), made[1]!.stopped], [[], true]);
  });

  test("that end on their own are logged; those that were stopped are not", async () => {
    const { apply, made, logged, settle, set } = setOf();
    apply({ a: "1", b: "1" });
    made[0]!.break(new Error("out of memory"));
    await settle();
    assertEquals(logged, [{ message: "The client of a cluster ended: Error: out of memory", cluster: "a" }]);
    await set.stop();
    made[1]!.break(new Error("stopped"));
    await settle();
    assertEquals([logged.length, made[1]!.stopped], [1, true]);
  });
});
