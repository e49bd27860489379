/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import { Shape } from "./chart.tsx";
import type { Model } from "./model.ts";
import { charts, recent, SPAN } from "./traffic.tsx";
import { clusterName, clusterTone, count, figure, milliseconds, percent, stateWords, type Tone } from "./words.ts";

/** How the whole gateway is, in one sentence: the worst there is. */
export function verdict({ readiness, clusters, refused }: Model): { tone: Tone; text: string } {
  if (readiness.draining) return { tone: "warn", text: "Draining: it takes no new work and ends what is under way" };
  const ailing = clusters.filter((cluster) => clusterTone(cluster) !== "good");
  const [first] = ailing;
  const tones = ailing.map(clusterTone);
  const tone = (["bad", "warn", "wait"] as const).find((one) => tones.includes(one));
  if (first !== undefined && tone !== undefined) {
    const text =
      ailing.length > 1
        ? `${count(ailing.length)} of ${count(clusters.length)} clusters are not in step`
        : `${clusterName(first.id)}: ${stateWords(first.state).text}${first.stale ? ", serving what it last knew" : ""}`;
    return { tone, text: text.charAt(0).toUpperCase() + text.slice(1) };
  }
  if (refused.length > 0) return { tone: "warn", text: "A changed config was refused; the one before is in force" };
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
        <Figure label="Latency, p95" value={milliseconds(now.p95)}>
          {chart.p95}
        </Figure>
        <Figure label="Services" value={count(model.services.total)} />
        <Figure label="Addresses" value={count(endpoints)} />
      </dl>
      <p class="soft note">Figures are of the last 10 seconds, charts of the {SPAN}.</p>
    </section>
  );
}
