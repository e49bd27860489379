/** @jsxImportSource hono/jsx */
import type { Child, PropsWithChildren } from "hono/jsx";
import type { ClusterStatus } from "../../discovery/views.ts";
import { Shape } from "./chart.tsx";
import type { Model } from "./model.ts";
import { type Column, NumberCell, Section, Table } from "./pieces.tsx";
import { ageWords, clusterTone, count, stateWords } from "./words.ts";

const MODES: Record<ClusterStatus["mode"], string> = {
  watch: "list-watch",
  poll: "polling",
  request: "per request",
  auto: "list-watch, or polling",
};

const COLUMNS: readonly Column[] = [
  "Cluster",
  "State",
  { name: "Heard from", number: true },
  { name: "Last change", number: true },
  { name: "Full list", number: true },
  { name: "Services", number: true },
  { name: "Addresses", number: true },
];

/** A row of its own under a cluster, for what is wrong with it. */
function Reason({ of, children }: PropsWithChildren<{ of: string }>): Child {
  return (
    <tr class="more" data-key={of}>
      <td colspan={COLUMNS.length}>
        <p class="reason">{children}</p>
      </td>
    </tr>
  );
}

function Row({ cluster }: { cluster: ClusterStatus }): Child {
  const { id, state, stale, mode, required, ages, services, endpoints, lastError, listing, snapshotFile } = cluster;
  const { text } = stateWords(state);
  const remaining = listing?.remaining;
  return (
    <>
      <tr data-key={`cluster-${id}`}>
        <th scope="row" data-label="Cluster">
          {id === "" ? "kubernetes" : id}
          {required ? (
            ""
          ) : (
            <>
              {" "}
              <span class="tag">not required</span>
            </>
          )}
          <span class="match soft">{MODES[mode]}</span>
        </th>
        <td data-label="State">
          <span class={`status ${clusterTone(cluster)}`}>
            <Shape tone={clusterTone(cluster)} />
            {text}
          </span>
          {stale ? <span class="told">stale: serves what it last knew</span> : ""}
          {listing === undefined ? (
            ""
          ) : (
            <span class="soft block">
              {count(listing.objects)} objects read
              {remaining === undefined ? "" : `, ${count(remaining)} to come`}
            </span>
          )}
        </td>
        <NumberCell label="Heard from">{ageWords(ages.byte)}</NumberCell>
        <NumberCell label="Last change">{ageWords(ages.event)}</NumberCell>
        <NumberCell label="Full list">{ageWords(ages.list)}</NumberCell>
        <NumberCell label="Services">{count(services)}</NumberCell>
        <NumberCell label="Addresses">{count(endpoints)}</NumberCell>
      </tr>
      {lastError === null ? "" : <Reason of={`cluster-${id}-error`}>{lastError}</Reason>}
      {snapshotFile?.error ? <Reason of={`cluster-${id}-file`}>snapshot_file {snapshotFile.error}</Reason> : ""}
    </>
  );
}

/** Every followed cluster, how well it is, and how old its data is. */
export function Clusters({ model }: { model: Model }): Child {
  return (
    <Section id="clusters" label="Clusters">
      {model.clusters.length === 0 ? (
        <p class="empty">
          No cluster is followed: the config has no <code>discovery.kubernetes</code>. Routes to static nodes work.
        </p>
      ) : (
        <Table caption="Clusters with their state, and the age of what they told last" columns={COLUMNS} look="facts">
          {model.clusters.map((cluster) => (
            <Row cluster={cluster} />
          ))}
        </Table>
      )}
    </Section>
  );
}
