import { afterAll, beforeAll, describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { CASES, ODD_PATHS, oddPath } from "./cases.ts";
import { record } from "./results.ts";
import { createStage, type Running, type RuntimeName, type Stage } from "./stage.ts";

/** Plays every case on a gateway that `start` starts for real, as a process of that runtime. */
export function runtimeSuite(runtime: RuntimeName, start: (stage: Stage) => Promise<Running>): void {
  describe(`the gateway on ${runtime}`, () => {
    let stage: Stage;
    let gateway: Running;
    beforeAll(async () => {
      stage = await createStage();
      gateway = await start(stage);
    }, 60_000);
    afterAll(async () => {
      await gateway?.[Symbol.asyncDispose]();
      await stage?.[Symbol.asyncDispose]();
    });

    for (const one of CASES) {
      test(`${one.group}: ${one.name}`, async () => {
        let found = "failed";
        try {
          found = await one.find({ gateway, stage });
        } finally {
          record({ runtime, kind: "case", name: one.name, found });
        }
        assertEquals(found, one.but?.[runtime] ?? one.want);
      });
    }

    test("odd request targets are answered, and never lead to another route", async () => {
      for (const path of ODD_PATHS) {
        const found = await oddPath({ gateway, stage }, path);
        record({ runtime, kind: "path", name: path, found });
        assertEquals(/^(\/|[1-5]\d\d$)/.test(found), true, `${path}: ${found}`);
        // What leaves a route's prefix is another route's matter: /v1 would be stripped, so nobody gets to read it.
        assertEquals(/\.\.|%2e%2e|^\/v1/i.test(found), false, `${path}: ${found}`);
      }
    });
  });
}
