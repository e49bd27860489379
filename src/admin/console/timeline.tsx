/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import type { AddressChange, ChangeReason } from "../../discovery/store/journal.ts";
import type { GatewayEvent } from "../../telemetry/events.ts";
import type { Model } from "./model.ts";
import { Section } from "./pieces.tsx";
import { clusterName, count, counted, stateWords, timeOf } from "./words.ts";

const WHY: Record<ChangeReason, string> = {
  watch: "watch",
  list: "relist",
  poll: "poll",
  request: "request",
  file: "snapshot_file",
};

/** `+` and what came, `−` and what went, else what became of it. */
function Address({ change: { host, now, added } }: { change: AddressChange }): Child {
  if (now === "gone") return <li class="gone">− {host}</li>;
  if (added && now === "ready") return <li class="came">+ {host}</li>;
  return (
    <li class={now === "ready" ? "came" : "gone"}>
      {added ? "+ " : ""}
      {host} {now}
    </li>
  );
}

/** What happened, in a sentence; and how it came to be known. */
function told(event: GatewayEvent): { text: Child; why?: string; bad?: boolean } {
  switch (event.kind) {
    case "service":
      return {
        text: (
          <>
            <span class="mono">{event.service}</span>
            {event.settings ? " changed its ports or weight" : ""}
            <ul class="addresses mono">
              {event.addresses.map((change) => (
                <Address change={change} />
              ))}
              {event.more > 0 ? <li class="soft">and {count(event.more)} more</li> : ""}
            </ul>
          </>
        ),
        why: WHY[event.why],
      };
    case "services":
      return { text: `${counted(event.count, "more change")} within a second`, why: WHY[event.why] };
    case "listed":
      return {
        text: event.first
          ? `First list: ${counted(event.objects, "object")}`
          : `Listed ${counted(event.objects, "object")} again: ${counted(event.changed, "change")}`,
        why: event.first && event.why === "list" ? "list" : WHY[event.why],
      };
    case "state": {
      const { tone, text } = stateWords(event.state);
      const error = event.error === null ? "" : <span class="soft block clip">{event.error}</span>;
      return {
        text: (
          <>
            {clusterName(event.cluster)}: {text}
            {error}
          </>
        ),
        bad: tone === "bad",
      };
    }
    case "config":
      return {
        text: `A changed config is in force: ${counted(event.routes, "route")}, ${counted(event.clusters, "cluster")}`,
        why: "reload",
      };
    case "refused":
      return {
        text: `A changed config was refused: ${counted(event.errors.length, "error")}`,
        why: "reload",
        bad: true,
      };
    case "ejected":
      return {
        text: (
          <>
            <span class="mono">{event.address}</span> failed: no requests until {timeOf(event.until)}
          </>
        ),
        why: "health",
        bad: true,
      };
  }
}

function Item({ event, several }: { event: GatewayEvent; several: boolean }): Child {
  const { text, why, bad } = told(event);
  const cluster = several && "cluster" in event && event.kind !== "state" ? event.cluster : undefined;
  return (
    <li class={bad ? "bad" : ""}>
      <time datetime={new Date(event.at).toISOString()}>{timeOf(event.at)}</time>
      <div>
        {text}
        {why === undefined && cluster === undefined ? (
          ""
        ) : (
          <span class="why">{[cluster, why].filter(Boolean).join(" · ")}</span>
        )}
      </div>
    </li>
  );
}

/** What happened lately: addresses that came and went, states of clusters, config changes. */
export function Timeline({ model }: { model: Model }): Child {
  return (
    <Section id="timeline" label="Recent changes">
      {model.events.length === 0 ? (
        <p class="empty">Nothing has changed since the gateway started.</p>
      ) : (
        <>
          <p class="soft note">The newest first; times are UTC.</p>
          <ol class="events">
            {model.events.map((event) => (
              <Item event={event} several={model.clusters.length > 1} />
            ))}
          </ol>
        </>
      )}
    </Section>
  );
}
