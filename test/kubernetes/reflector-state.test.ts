import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { ApiError, type ApiErrorCode } from "../../src/kubernetes/errors.ts";
import {
  type ActionOutcome,
  type OpenStream,
  type ReflectorState,
  type Transition,
  transition,
} from "../../src/kubernetes/reflector-state.ts";

const stream: OpenStream = {
  first: Promise.resolve({ done: true, value: undefined }),
  events: { next: async () => ({ done: true, value: undefined }) },
  openedAt: 0,
  delivered: 0,
  close: () => {},
};
const empty: ReflectorState = { at: "empty", why: "start", notOlderThan: undefined };
const known: ReflectorState = { at: "empty", why: "garbage", notOlderThan: "5" };
const listed: ReflectorState = { at: "listed", version: "7" };
const watching: ReflectorState = { at: "watching", version: "9", stream };

const failed = (code: ApiErrorCode): ActionOutcome => ({ kind: "failed", error: new ApiError(code, code) });
const relist = (why: string, notOlderThan: string | undefined): object => ({ at: "empty", why, notOlderThan });
const from = (version: string): object => ({ at: "listed", version });

/** Every arrow: from, outcome, healthy, to, delay. */
const arrows: [string, ReflectorState, ActionOutcome, boolean, object, Transition["delay"]][] = [
  ["a list leads to watching from it", empty, { kind: "listed", version: "7" }, false, from("7"), "at_once"],
  ["a failed first list is repeated", empty, failed("unreachable"), false, empty, "pause"],
  ["a forbidden first list is repeated", empty, failed("forbidden"), false, empty, "pause"],
  ["garbage for a first list is repeated", empty, failed("garbage"), false, empty, "pause"],
  [
    "a list refused as such is repeated from nothing",
    known,
    failed("rejected"),
    false,
    relist("error", undefined),
    "pause",
  ],
  ["a failed relist keeps asking for nothing older", known, failed("server"), false, known, "pause"],
  [
    "a relist whose page is gone starts from nothing",
    known,
    failed("gone"),
    false,
    relist("gone", undefined),
    "pause_if_repeated",
  ],
  [
    "a relist from a too new version starts from nothing",
    known,
    failed("too_large_version"),
    false,
    relist("too_large_version", undefined),
    "pause_if_repeated",
  ],
  [
    "an unknown resource is looked for again",
    known,
    failed("not_found"),
    false,
    relist("not_found", undefined),
    "pause",
  ],
  [
    "an opened stream is watched",
    listed,
    { kind: "opened", version: "7", stream },
    false,
    { at: "watching", version: "7", stream },
    "at_once",
  ],
  [
    "a stream that cannot be opened is tried again from the same version",
    listed,
    failed("unreachable"),
    false,
    listed,
    "pause",
  ],
  ["a server in trouble is tried again from the same version", listed, failed("server"), false, listed, "pause"],
  ["a throttled watch is tried again from the same version", listed, failed("throttled"), false, listed, "pause"],
  ["a watch without a right is tried again from the same version", listed, failed("forbidden"), false, listed, "pause"],
  [
    "a watch without credentials is tried again from the same version",
    listed,
    failed("unauthorized"),
    false,
    listed,
    "pause",
  ],
  [
    "a version that is gone is forgotten",
    listed,
    failed("gone"),
    false,
    relist("gone", undefined),
    "pause_if_repeated",
  ],
  ["a version the server refuses is forgotten", listed, failed("rejected"), false, relist("error", undefined), "pause"],
  [
    "a resource that is gone is looked for again",
    listed,
    failed("not_found"),
    false,
    relist("not_found", undefined),
    "pause",
  ],
  ["an answer that is no watch leads to a list", listed, failed("garbage"), false, relist("garbage", "7"), "pause"],
  ["a healthy stream's end is resumed at once", watching, { kind: "ended", version: "9" }, true, from("9"), "at_once"],
  [
    "a short stream's end is resumed after a pause",
    watching,
    { kind: "ended", version: "9" },
    false,
    from("9"),
    "pause",
  ],
  ["a silent stream is resumed at once", watching, { kind: "silent", version: "9" }, true, from("9"), "at_once"],
  ["a broken stream is resumed after a pause", watching, failed("unreachable"), true, from("9"), "pause"],
  ["a stream throttled by an event is resumed after a pause", watching, failed("throttled"), false, from("9"), "pause"],
  [
    "a stream ended by expired credentials is resumed after a pause",
    watching,
    failed("unauthorized"),
    false,
    from("9"),
    "pause",
  ],
  [
    "a stream whose version is gone starts from nothing",
    watching,
    failed("gone"),
    true,
    relist("gone", undefined),
    "pause_if_repeated",
  ],
  ["a garbled stream leads to a list not older", watching, failed("garbage"), true, relist("garbage", "9"), "pause"],
  [
    "a stream the server cannot go on with leads to a list not older",
    watching,
    failed("server"),
    true,
    relist("error", "9"),
    "pause",
  ],
  [
    "a stream ended by a lost right leads to a list not older",
    watching,
    failed("forbidden"),
    true,
    relist("error", "9"),
    "pause",
  ],
];

describe("the reflector's arrows", () => {
  for (const [name, state, outcome, healthy, next, delay] of arrows) {
    test(name, () => assertEquals(transition(state, outcome, healthy) as object, { next, delay }));
  }
});
