import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import {
  connectionOptions,
  dropLookalikes,
  droppedKinds,
  fieldsNamedBy,
  lookalikesOf,
  takenAway,
  upgradeOf,
} from "../../src/http/client-fields.ts";
import { kindsOf } from "../../src/http/fields.ts";

/** Those of the names that end at the gateway. */
const dropped = (trusted: boolean, underscores: boolean, ...names: string[]): string[] =>
  names.filter((name) => (kindsOf(name) & droppedKinds(trusted, underscores)) !== 0);

describe("fields of a client", () => {
  const NAMES = ["te", "x-consumer-username", "x-real-ip", "x-forwarded-for", "x_team", "x-team", "accept"] as const;

  test("that are good for one hop, or the gateway's own to say, end at the gateway whoever sends them", () => {
    assertEquals(dropped(true, false, ...NAMES), ["te", "x-consumer-username", "x-real-ip"]);
  });

  test("that say who it is are a stranger's to lose and a trusted proxy's to send", () => {
    assertEquals(dropped(false, false, "x-forwarded-for", "x-forwarded-proto", "accept"), [
      "x-forwarded-for",
      "x-forwarded-proto",
    ]);
    assertEquals(dropped(true, false, "x-forwarded-for", "x-forwarded-proto", "accept"), []);
  });

  test("with an underscore go where the config says so", () => {
    assertEquals(dropped(true, true, "x_team", "x-team"), ["x_team"]);
    assertEquals(dropped(true, false, "x_team", "x-team"), []);
  });
});

describe("a Connection field", () => {
  test("names tokens alone, in any case and spacing", () => {
    assertEquals(connectionOptions(" Close,x-a\t ,, b c, Ünder,\xa0x-b,keep-alive"), ["close", "x-a", "keep-alive"]);
  });

  test("is read at once, however much white space is in it", () => {
    assertEquals(connectionOptions(`x-a,${"b".padEnd(2_000_000)}c,close`), ["x-a", "close"]);
  });

  test("takes no field away that frames or routes the request", () => {
    assertEquals(fieldsNamedBy("host, content-length, transfer-encoding, x-a"), ["x-a"]);
    assertEquals([fieldsNamedBy("keep-alive"), fieldsNamedBy("close"), fieldsNamedBy("")], [[], [], []]);
  });

  test("takes nothing away of what a proxy said of the client", () => {
    assertEquals(takenAway(new Headers({ connection: "x-forwarded-for, x-a" })), ["x-a"]);
    assertEquals(takenAway(new Headers()), []);
  });

  test("has to name an upgrade, which otherwise is none", () => {
    assertEquals(upgradeOf(new Headers({ upgrade: "WebSocket", connection: "keep-alive, Upgrade" })), "WebSocket");
    assertEquals(upgradeOf(new Headers({ upgrade: "websocket", connection: "keep-alive" })), undefined);
    assertEquals(upgradeOf(new Headers({ connection: "upgrade" })), undefined);
  });
});

describe("what a pod could take for a name of the gateway's", () => {
  test("is dropped in every spelling, the name itself excepted", () => {
    const headers = new Headers({ "x-user": "1", x_user: "2", "x-tenant-id": "3", "x.user": "4", x_other: "5" });
    dropLookalikes(headers, ["x_user", "x.user", "x_other"], lookalikesOf(["X-User", "x_tenant_id"]));
    assertEquals([...headers.keys()].sort(), ["x-user", "x_other"]);
  });

  test("is the spelling with dashes alone where the client sent no underscores", () => {
    const headers = new Headers({ "x-tenant-id": "3", "x-other": "5" });
    dropLookalikes(headers, undefined, lookalikesOf(["x_tenant_id"]));
    assertEquals([...headers.keys()], ["x-other"]);
  });
});
