/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import { Shape } from "./chart.tsx";
import type { Model } from "./model.ts";
import { charts, recent, SPAN } from "./traffic.tsx";
import {
  clusterName,
  clusterTone,
  count,
  counted,
  figure,
  percent,
  showMilliseconds,
  stateWords,
  type Tone,
} from "./words.ts";

/** Something that is wrong, or in the way of being right. */
interface Trouble {
  readonly tone: Tone;
  readonly text: string;
}

const TONES: readonly Tone[] = ["bad", "warn", "wait", "good"];

/** Troubles that are listed below the headline. */
const MOST_OTHERS = 5;

/** Routes that are named in a headline; the list shows the others. */
const NAMED = 3;

/** What is wrong with the gateway, the worst first: red is what `/readyz` answers 503 for. */
export function troubles({ readiness, clusters, refused, routes }: Model): Trouble[] {
  const found: Trouble[] = [];
  if (readiness.draining)
    found.push({ tone: "warn", text: "Draining: it takes no new work and ends what is under way" });
  const waiting = new Set(readiness.ready ? [] : readiness.waiting.map(({ id }) => id));
  for (const cluster of clusters) {
    const tone = clusterTone(cluster);
    if (tone === "good") continue;
    const { text } = stateWords(cluster.state);
    const name = clusterName(cluster.id) + (cluster.required ? "" : " (not required)");
    const stale = cluster.stale ? ", serving what it last knew" : "";
    const isWaited = waiting.has(cluster.id);
    found.push({
      tone: tone === "bad" && !isWaited ? "warn" : tone,
      text: `${isWaited ? "Not ready: " : ""}${name}: ${text}${stale}`,
    });
  }
  if (refused.length > 0)
    found.push({ tone: "warn", text: "A changed config was refused; the one before is in force" });
  const { nowhere } = routes;
  if (nowhere.length > 0) {
    const named = nowhere.slice(0, NAMED).join(", ") + (nowhere.length > NAMED ? " and others" : "");
    found.push({ tone: "warn", text: `${counted(nowhere.length, "route")} without an address: ${named}` });
  }
  // What a person has just done comes before what goes on by itself.
  const rank = ({ tone, text }: Trouble): number =>
    TONES.indexOf(tone) * 2 + (/^(?:A changed|Draining)/.test(text) ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b));
}

/** How the whole gateway is, in one sentence: the worst there is. */
export function verdict(model: Model): Trouble {
  const [worst] = troubles(model);
  if (worst !== undefined) return worst;
  const { clusters } = model;
  if (clusters.length === 0) return { tone: "good", text: "Serving; no cluster is followed" };
  return { tone: "good", text: clusters.length === 1 ? "The cluster is in step" : "All clusters are in step" };
}

function Figure({ label, value, children }: { label: string; value: string; children?: Child }): Child {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <span class="value">{value}</span>
        {children ?? ""}
      </dd>
    </div>
  );
}

/** The state in a sentence, and the figures of all routes together. */
export function Overview({ model }: { model: Model }): Child {
  const { clusters, refused, total } = model;
  const { tone, text } = verdict(model);
  const others = troubles(model).slice(1, 1 + MOST_OTHERS);
  const now = recent(total);
  const chart = charts(total, "all routes");
  const endpoints = clusters.reduce((sum, cluster) => sum + cluster.endpoints, 0);
  return (
    <section id="overview" aria-labelledby="overview-title">
      <h2 id="overview-title" class="hidden">
        Overview
      </h2>
      <p class={`verdict ${tone}`} role="status">
        <Shape tone={tone} />
        {text}
      </p>
      {others.length === 0 ? (
        ""
      ) : (
        <ul class="others">
          {others.map((other) => (
            <li>
              <Shape tone={other.tone} />
              {other.text}
            </li>
          ))}
        </ul>
      )}
      {refused.length === 0 ? (
        ""
      ) : (
        <div class="reason">
          <p>The changed config was refused, and the one before is in force:</p>
          <ul>
            {refused.map((error) => (
              <li>{error}</li>
            ))}
          </ul>
        </div>
      )}
      <dl class="figures">
        <Figure label="Requests a second" value={figure(now.rate)}>
          {chart.rate}
        </Figure>
        <Figure label="Errors" value={percent(now.errors)}>
          {chart.errors}
        </Figure>
        <Figure label="Latency, p95" value={showMilliseconds(now.p95)}>
          {chart.p95}
        </Figure>
        <Figure label="Services" value={count(model.services.total)} />
        <Figure label="Addresses" value={count(endpoints)} />
      </dl>
      <p class="soft note">Figures are of the last 10 seconds, charts of the {SPAN}.</p>
    </section>
  );
}
