import { describe, test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { systemClock } from "../../src/base/clock.ts";
import { createApiserver } from "../../src/demo/apiserver.ts";
import { seededRandom } from "../helpers/random.ts";
import { recordHistory, Violation } from "./lab/history.ts";
import { scheduleOf } from "./lab/schedule.ts";
import { type Address, type Manifest, manifest, reckon } from "./lab/world.ts";

const WEB = "alpha/web";

const slice = (name: string, addresses: readonly Address[], service: string | undefined = "web") =>
  manifest(
    { namespace: "alpha", name, service, team: "blue", weight: undefined, http: 8080, addresses },
    "EndpointSlice",
  );
const ready = (ip: string): Address => ({ ip, is: "ready" });

/** An apiserver whose service had, in this order: nothing, a, a and b (of two slices), b. */
function history() {
  const api = createApiserver({ clock: systemClock, random: seededRandom() });
  const recorded = recordHistory(api, "EndpointSlice", () => true);
  api.apply(slice("s-1", [ready("10.1.0.1")]));
  api.apply(slice("s-2", [ready("10.1.0.2")]));
  api.remove("EndpointSlice", "alpha", "s-1");
  return recorded;
}
const A = "10.1.0.1:8080*50";
const B = "10.1.0.2:8080*50";

describe("the laboratory's judge", () => {
  test("lets a reader see every state in order, skip some, and stay behind", () => {
    const all = history();
    for (const nodes of ["", A, `${A} ${B}`, B, B]) all.saw(WEB, nodes);
    const some = history();
    for (const nodes of ["", `${A} ${B}`]) some.saw(WEB, nodes);
    assertEquals(some.now(WEB), B);
  });

  test("refuses what never was, what was before, and nothing where there was something", () => {
    assertThrows(() => history().saw(WEB, "10.9.9.9:8080*50"), Violation, "never was");
    const back = history();
    back.saw(WEB, B);
    assertThrows(() => back.saw(WEB, `${A} ${B}`), Violation, "before what was seen already");
    const cleared = history();
    cleared.saw(WEB, A);
    assertThrows(() => cleared.saw(WEB, ""), Violation, "before what was seen already");
  });

  test("follows a slice from one service to another", () => {
    const api = createApiserver({ clock: systemClock, random: seededRandom() });
    const recorded = recordHistory(api, "EndpointSlice", () => true);
    api.apply(slice("s-1", [ready("10.1.0.1")], "web"));
    api.apply(slice("s-1", [ready("10.1.0.1")], "api"));
    assertEquals([recorded.now(WEB), recorded.now("alpha/api")], ["", A]);
    assertEquals(
      recorded.of(WEB).map(({ nodes }) => nodes),
      ["", A, ""],
    );
  });

  test("reckons as the API's documentation has it: absent is ready, the leaving only when nobody is, each address once", () => {
    const of = (...addresses: Address[]) => reckon([slice("s-1", addresses) as Manifest], "EndpointSlice");
    assertEquals(of({ ip: "10.1.0.1", is: "plain" }), A);
    assertEquals(of(ready("10.1.0.1"), { ip: "10.1.0.2", is: "leaving" }), A);
    assertEquals(of({ ip: "10.1.0.1", is: "gone" }, { ip: "10.1.0.2", is: "leaving" }), B);
    assertEquals(of({ ip: "10.1.0.1", is: "unready" }), "");
    const two = [slice("s-1", [{ ip: "10.1.0.1", is: "unready" }]), slice("s-2", [ready("10.1.0.1")])] as Manifest[];
    assertEquals(reckon(two, "EndpointSlice"), A);
  });
});

describe("schedules", () => {
  test("hold every mode, both kinds, several namespaces, and every kind of trouble", () => {
    const all = Array.from({ length: 300 }, (_, i) => scheduleOf(i + 1));
    const modes = new Set(all.map(({ setting }) => setting.mode));
    assertEquals([...modes].sort(), ["auto", "poll", "request", "watch"]);
    assert(all.some(({ setting }) => setting.namespaces !== undefined && setting.labels));
    const steps = new Set(all.flatMap(({ rounds }) => rounds.flat().map((step) => step.do)));
    assertEquals(steps.size, 19);
  });
});
