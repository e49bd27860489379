import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { sign } from "hono/jwt";
import { createFakeClock } from "../helpers/fake-clock.ts";
import { bearer, chained } from "./support.ts";

describe("jwk", () => {
  async function issuer() {
    const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const kid = crypto.randomUUID();
    const publicKey = { ...(await crypto.subtle.exportKey("jwk", pair.publicKey)), kid, alg: "ES256" };
    const privateKey = { ...(await crypto.subtle.exportKey("jwk", pair.privateKey)), kid, alg: "ES256" };
    return { publicKey, token: () => sign({ sub: "a" }, privateKey as never, "ES256") };
  }
  const options = "[{jwk: {jwks_uri: 'https://issuer.test/jwks', alg: [ES256]}}]";

  test("asks for the key set once for many requests, and anew when the issuer changed its key", async () => {
    const [before, after] = [await issuer(), await issuer()];
    let keys = [before.publicKey];
    let asked = 0;
    const clock = createFakeClock();
    const { send } = chained(options, {
      parts: {
        clock,
        fetch: async () => {
          asked++;
          return Response.json({ keys });
        },
      },
    });
    for (let i = 0; i < 5; i++) assertEquals((await send("/", bearer(await before.token()))).status, 200);
    assertEquals(asked, 1);

    keys = [after.publicKey];
    assertEquals((await send("/", bearer(await after.token()))).status, 401);
    await clock.advance(10_000);
    assertEquals((await send("/", bearer(await after.token()))).status, 200);
    assertEquals(asked, 2);
  });

  test("keeps the last key set while the issuer is down", async () => {
    const { publicKey, token } = await issuer();
    let down = false;
    const clock = createFakeClock();
    const fetch = async (): Promise<Response> =>
      down ? new Response("sorry", { status: 503 }) : Response.json({ keys: [publicKey] });
    const { send } = chained(options, { parts: { clock, fetch } });
    assertEquals((await send("/", bearer(await token()))).status, 200);
    down = true;
    await clock.advance(3_600_000);
    assertEquals((await send("/", bearer(await token()))).status, 200);
  });

  test("lets nobody in where there never was a key set, and says why in the log", async () => {
    const { token } = await issuer();
    const { send, errors, passed } = chained(options, {
      parts: { fetch: async () => Response.json({ error: "no" }) },
    });
    const answer = await send("/", bearer(await token()));
    assertEquals([answer.status, ((await answer.json()) as { code: string }).code, passed()], [503, "internal", 0]);
    assertEquals(errors[0]!.message, "Cannot get the key set https://issuer.test/jwks: the answer has no list of keys");
  });

  test("asks an issuer that is down once a second at most, however many requests there are, and takes its keys once it is up", async () => {
    const { publicKey, token } = await issuer();
    const clock = createFakeClock();
    let asked = 0;
    let down = true;
    const { send, errors } = chained(options, {
      parts: {
        clock,
        fetch: async () => {
          asked++;
          return down ? new Response("sorry", { status: 503 }) : Response.json({ keys: [publicKey] });
        },
      },
    });
    const ask = async (): Promise<number> => (await send("/", bearer(await token()))).status;
    const many = await Promise.all(Array.from({ length: 50 }, ask));
    assertEquals([new Set(many), asked, errors.length], [new Set([503]), 1, 1]);
    await clock.advance(999);
    assertEquals([await ask(), asked, errors.length], [503, 1, 1]);
    await clock.advance(1);
    assertEquals([await ask(), asked, errors.length], [503, 2, 2]);
    down = false;
    await clock.advance(1000);
    assertEquals([await ask(), asked], [200, 3]);
  });

  test("asks the issuer nothing for requests without a token", async () => {
    let asked = 0;
    const fetch = async (): Promise<Response> => {
      asked++;
      return Response.json({ keys: [] });
    };
    assertEquals([(await chained(options, { parts: { fetch } }).send("/")).status, asked], [401, 0]);
  });
});

describe("the log of a key set that cannot be had", () => {
  test("holds neither the password of its URL nor the runtime's words with it", async () => {
    const uri = "https://u:S3KRET@issuer.test/jwks?token=S3KRET";
    const { send, errors } = chained(`[{jwk: {jwks_uri: '${uri}', alg: [ES256]}}]`, {
      parts: { fetch: async () => Promise.reject(new Error(`cannot connect to ${uri}`)) },
    });
    await send("/", { headers: { authorization: "Bearer e30.e30.x" } });
    assertEquals(
      errors[0]!.message,
      "Cannot get the key set https://xxx@issuer.test/jwks?token=xxx: cannot connect to it",
    );
  });
});
