import { describe, test } from "bun:test";
import { assertEquals } from "@std/assert";
import { askWhoAmI, reviewRights, subjectOf, userOfRefusal } from "../../src/kubernetes/access-review.ts";
import type { Right } from "../../src/kubernetes/rbac.ts";

const signal = new AbortController().signal;
const right = (resource: string, verbs: string[], namespace?: string): Right =>
  ({ namespace, rule: { apiGroups: [""], resources: [resource], verbs } }) as unknown as Right;

type Ask = Parameters<typeof reviewRights>[0];

/** An apiserver that answers with what it is given, and what it was asked. */
function asking(answer: (n: number) => { status: number; body: unknown }) {
  const asked: { path: string; body: Record<string, unknown> }[] = [];
  const ask = (async (path: string, _signal: AbortSignal, body: Record<string, unknown>) => {
    asked.push({ path, body });
    return answer(asked.length - 1);
  }) as unknown as Ask;
  const attributes = () => asked.map(({ body }) => (body.spec as { resourceAttributes: unknown }).resourceAttributes);
  return { ask, asked, attributes };
}

const allowed = { status: 201, body: { status: { allowed: true } } };

describe("a review of rights", () => {
  test("asks for each verb, names a subresource apart, and a namespace only where there is one", async () => {
    const { ask, attributes } = asking(() => allowed);
    const reviews = await reviewRights(
      ask,
      [right("pods/proxy", ["get"], "shop"), right("services", ["list", "watch"])],
      signal,
    );
    assertEquals(attributes(), [
      { verb: "get", group: "", resource: "pods", subresource: "proxy", namespace: "shop" },
      { verb: "list", group: "", resource: "services" },
      { verb: "watch", group: "", resource: "services" },
    ]);
    assertEquals(reviews, [
      { verb: "get", group: "", resource: "pods/proxy", namespace: "shop", allowed: true },
      { verb: "list", group: "", resource: "services", namespace: null, allowed: true },
      { verb: "watch", group: "", resource: "services", namespace: null, allowed: true },
    ]);
  });

  test("keeps the order of the rights, and asks for eight at a time", async () => {
    let open = 0;
    let most = 0;
    const ask = (async (
      _path: string,
      _signal: AbortSignal,
      body: { spec: { resourceAttributes: { resource: string } } },
    ) => {
      most = Math.max(most, ++open);
      const { resource } = body.spec.resourceAttributes;
      for (let turn = 20 - Number(resource.slice(1)); turn > 0; turn--) await Promise.resolve();
      open--;
      return allowed;
    }) as unknown as Ask;
    const names = Array.from({ length: 20 }, (_, i) => `r${i}`);
    const reviews = await reviewRights(
      ask,
      names.map((name) => right(name, ["get"])),
      signal,
    );
    assertEquals([reviews.map(({ resource }) => resource), most], [names, 8]);
  });

  test("says why: the reason, else the evaluation's error; an answer that is none is not known", async () => {
    const answers = [
      { status: 200, body: { status: { allowed: false, reason: "no binding" } } },
      { status: 201, body: { status: { allowed: false, reason: "", evaluationError: "webhook is down" } } },
      { status: 403, body: { message: "not for you", status: { allowed: true } } },
      { status: 201, body: { status: {} } },
      { status: 500, body: undefined },
    ];
    const { ask } = asking((n) => answers[n]!);
    const reviews = await reviewRights(ask, [right("pods", ["get", "list", "watch", "patch", "delete"])], signal);
    assertEquals(
      reviews.map(({ allowed, reason }) => [allowed, reason]),
      [
        [false, "no binding"],
        [false, "webhook is down"],
        [null, "status 403: not for you"],
        [null, "status 201"],
        [null, "status 500"],
      ],
    );
  });
});

describe("who we are to the apiserver", () => {
  const me = (username: unknown) => ({ status: 201, body: { status: { userInfo: { username } } } });

  test("is asked in the newest version that it has", async () => {
    const { ask, asked } = asking((n) => (n === 0 ? { status: 404, body: {} } : me("jane")));
    assertEquals(await askWhoAmI(ask, signal), "jane");
    assertEquals(
      asked.map(({ path, body }) => [path, body.apiVersion]),
      ["v1", "v1beta1"].map((version) => [
        `/apis/authentication.k8s.io/${version}/selfsubjectreviews`,
        `authentication.k8s.io/${version}`,
      ]),
    );
    assertEquals(await askWhoAmI(asking(() => me("joe")).ask, signal), "joe");
  });

  test("is not known where no answer has a name", async () => {
    for (const answer of [
      me(""),
      me(7),
      { status: 200, body: null },
      { status: 500, body: { status: { userInfo: { username: "x" } } } },
    ]) {
      assertEquals(await askWhoAmI(asking(() => answer).ask, signal), undefined);
    }
  });

  test("stands in a refusal, and a service account is bound by its namespace and name", () => {
    const message = 'services is forbidden: User "system:serviceaccount:shop:gateway" cannot list resource "services"';
    assertEquals(userOfRefusal({ message }), "system:serviceaccount:shop:gateway");
    assertEquals(
      [userOfRefusal({ message: 7 }), userOfRefusal(undefined), userOfRefusal({ message: "no" })],
      [undefined, undefined, undefined],
    );
    assertEquals(subjectOf("system:serviceaccount:shop:gateway"), {
      kind: "ServiceAccount",
      name: "gateway",
      namespace: "shop",
    });
    assertEquals(subjectOf("jane"), { kind: "User", name: "jane" });
  });
});
