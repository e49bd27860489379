import type { Clock } from "../../src/base/clock.ts";
import type { Fetch } from "../../src/platform/fetch.ts";
import { connectionOver, endpoints, type Followed, follow, slice } from "../discovery/support.ts";
import { until } from "../helpers/wait.ts";
import { type Json, listOf, objectOf, type Resource } from "./odd-objects.ts";

/** What an apiserver sends to a gateway that follows it. */
export interface Play {
  readonly resource: Resource;
  /** In place of the first lists. */
  readonly answers: readonly Json[];
  /** In the list, among those of the services that must not be touched. */
  readonly objects: readonly Json[];
  /** In the watch, before the change that must arrive. */
  readonly lines: readonly Json[];
  /** Lists again come as streams. */
  readonly streams: boolean;
}

/** Pauses take a turn of the event loop: what is played is over before anything else could fall due. */
const quickClock: Clock = {
  now: () => performance.now(),
  after: () => () => {},
  sleep: (_ms, signal) =>
    new Promise((resolve, reject) => setImmediate(() => (signal?.aborted ? reject(signal.reason) : resolve()))),
};

/** Looks in a row that must find nothing under way. */
const QUIET = 3;

const KINDS = { endpointslices: "EndpointSliceList", endpoints: "EndpointsList", services: "ServiceList" } as const;
const FORMS = ["compact", "spaced"] as const;
type Form = (typeof FORMS)[number];

const text = (value: unknown): Json => ({
  compact: JSON.stringify(value),
  spaced: JSON.stringify(value, null, 1).replaceAll("\n", " "),
});
const line = (type: string, object: Json): Json =>
  objectOf([
    ["type", text(type)],
    ["object", object],
  ]);

/** An apiserver that plays it, in one form of its JSON. */
function perform(play: Play, form: Form) {
  const encoder = new TextEncoder();
  const slices = play.resource !== "endpoints";
  const good = (name: string, address: string, resourceVersion: string): Json => {
    const one = (
      slices
        ? slice(`${name}-1`, [{ addresses: [address] }], { service: name, namespace: "team-a" })
        : endpoints(name, [[[address], "http", 8080]], "team-a")
    ) as { metadata: object };
    return text({ ...one, metadata: { ...one.metadata, resourceVersion } });
  };
  const state = { changed: false, answers: [...play.answers], lines: [...play.lines], idle: false };
  const ofResource = (input: string): boolean => input.includes(`/${play.resource}`);
  const goodOnes = (): Json[] => [
    good("web", "10.9.0.1", "9"),
    good("api", state.changed ? "10.9.0.3" : "10.9.0.2", "9"),
  ];
  const itemsOf = (input: string): Json[] => {
    const own = ofResource(input) ? play.objects : [];
    if (input.includes("/services")) return [...own];
    const [web, api] = goodOnes();
    return [web!, ...own, api!];
  };
  const lists = (input: string): Json => {
    const resource = (["endpointslices", "endpoints", "services"] as const).find((one) => input.includes(`/${one}`))!;
    const meta = text({ resourceVersion: "10" });
    return objectOf([
      ["kind", text(KINDS[resource])],
      ["metadata", meta],
      ["items", listOf(itemsOf(input))],
    ]);
  };
  /** Line by line, as each is asked for; where there is none yet it is waited for. */
  const streamOf = (next: () => Json | undefined): Response => {
    let left = false;
    return new Response(
      new ReadableStream<Uint8Array>({
        async pull(out) {
          for (let one = next(); !left; one = next()) {
            if (one !== undefined) return out.enqueue(encoder.encode(`${one[form]}\n`));
            await new Promise(setImmediate);
          }
        },
        cancel() {
          left = true;
        },
      }),
    );
  };
  const fetch: Fetch = async (input) => {
    if (input.endsWith("/version")) return Response.json({ major: "1", minor: play.streams ? "36" : "27" });
    if (input.includes("sendInitialEvents")) {
      const end = { metadata: { resourceVersion: "10", annotations: { "k8s.io/initial-events-end": "true" } } };
      const events = [...itemsOf(input).map((item) => line("ADDED", item)), line("BOOKMARK", text(end))];
      return streamOf(() => events.shift());
    }
    if (!input.includes("watch=true")) {
      const answer = ofResource(input) ? state.answers.shift() : undefined;
      return new Response((answer ?? lists(input))[form]);
    }
    const own = ofResource(input);
    const services = input.includes("/services");
    let told = false;
    return streamOf(() => {
      if (own) state.idle = state.lines.length === 0;
      const one = own ? state.lines.shift() : undefined;
      if (one !== undefined || told || state.lines.length > 0 || services) return one;
      // A watch that resumes is sent again what it may have missed.
      told = true;
      state.changed = true;
      return line("MODIFIED", good("api", "10.9.0.3", "11"));
    });
  };
  return { fetch, state, slices };
}

/** All that is known, as text; the last word on whether two clusters are the same. */
const knownOf = ({ cluster }: Followed): string =>
  [...cluster.reader.entries()]
    .map(({ namespace, name, slices, service }) => {
      const held = slices.map(({ name, groups, usable, weight, notes }) => ({ name, groups, usable, weight, notes }));
      const { resourceVersion: _version, ...rest } = service ?? {};
      return `${namespace}/${name} ${JSON.stringify([held, rest])}`;
    })
    .sort()
    .join("\n");

async function runOne(play: Play, form: Form): Promise<string> {
  const { fetch, state, slices } = perform(play, form);
  const settings = { watch_endpoint_slices: slices, resolve_service_ports: play.resource === "services" };
  const deps = { clock: quickClock, connect: async () => connectionOver(fetch), wait: false };
  await using followed = await follow([], settings, deps);
  const asked = { timeout: 5000, interval: 0 };
  const wrong = (): string =>
    `${form}: web has ${followed.addresses("team-a/web")}, api ${followed.addresses("team-a/api")}; ${JSON.stringify(followed.cluster.status())}`;
  await until(() => followed.addresses("team-a/web").length > 0 || state.changed, {
    ...asked,
    message: () => `the list is in: ${wrong()}`,
  });
  let touched: string | undefined;
  await until(
    () => {
      if (followed.cluster.synced() && followed.addresses("team-a/web").join() !== "10.9.0.1:8080") touched ??= wrong();
      return state.lines.length === 0 && followed.addresses("team-a/api").join() === "10.9.0.3:8080";
    },
    { ...asked, message: () => `the change behind it all arrives: ${wrong()}` },
  );
  if (touched !== undefined) throw new Error(`another service was touched: ${touched}`);
  // The last line may still be on its way, or lead to another list.
  let quiet = 0;
  const isQuiet = (): boolean => {
    quiet = state.idle && followed.cluster.status().state === "watching" ? quiet + 1 : 0;
    return quiet > QUIET;
  };
  await until(isQuiet, { ...asked, message: () => `everything is taken in: ${wrong()}` });
  return knownOf(followed);
}

/**
 * Plays it to a running cluster, once compact, so that bytes are read, and once with spaces, so that objects are. Throws
 * where a service of another tenant is touched, a later change does not arrive, or the two do not end alike.
 */
export async function playOdd(play: Play): Promise<void> {
  const [bytes, objects] = [await runOne(play, "compact"), await runOne(play, "spaced")];
  if (bytes !== objects) throw new Error(`read from bytes:\n${bytes}\nread from objects:\n${objects}`);
}
