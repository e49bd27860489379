/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import type { ClusterStatus } from "../../discovery/views.ts";
import { Shape } from "./chart.tsx";
import type { Model } from "./model.ts";
import { Part } from "./pieces.tsx";
import { ageWords, clusterTone, count, stateWords } from "./words.ts";

const MODES: Record<ClusterStatus["mode"], string> = {
  watch: "list-watch",
  poll: "polling",
  request: "per request",
  auto: "list-watch, or polling",
};

function Row({ cluster }: { cluster: ClusterStatus }): Child {
  const { id, state, stale, mode, required, ages, services, endpoints, lastError, listing, snapshotFile } = cluster;
  const { text } = stateWords(state);
  const remaining = listing?.remaining;
  return (
    <>
      <tr data-key={`cluster-${id}`}>
        <th scope="row" data-label="Cluster">
          {id === "" ? "kubernetes" : id}
          {required ? "" : <span class="tag">not required</span>}
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
        <td data-label="Heard from" class="number">
          {ageWords(ages.byte)}
        </td>
        <td data-label="Last change" class="number">
          {ageWords(ages.event)}
        </td>
        <td data-label="Full list" class="number">
          {ageWords(ages.list)}
        </td>
        <td data-label="Services" class="number">
          {count(services)}
        </td>
        <td data-label="Addresses" class="number">
          {count(endpoints)}
        </td>
      </tr>
      {lastError === null ? (
        ""
      ) : (
        <tr class="more" data-key={`cluster-${id}-error`}>
          <td colspan={7}>
            <p class="reason">{lastError}</p>
          </td>
        </tr>
      )}
      {snapshotFile?.error ? (
        <tr class="more" data-key={`cluster-${id}-file`}>
          <td colspan={7}>
            <p class="reason">snapshot_file {snapshotFile.error}</p>
          </td>
        </tr>
      ) : (
        ""
      )}
    </>
  );
}

/** Every followed cluster, how well it is, and how old what it told is. */
export function Clusters({ model }: { model: Model }): Child {
  return (
    <Part id="clusters" label="Clusters">
      {model.clusters.length === 0 ? (
        <p class="empty">
          No cluster is followed: the config has no <code>discovery.kubernetes</code>. Routes to static nodes work.
        </p>
      ) : (
        <table class="stacked">
          <caption class="hidden">Clusters with their state, and the age of what they told last</caption>
          <thead>
            <tr>
              <th scope="col">Cluster</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Heard from
              </th>
              <th scope="col" class="number">
                Last change
              </th>
              <th scope="col" class="number">
                Full list
              </th>
              <th scope="col" class="number">
                Services
              </th>
              <th scope="col" class="number">
                Addresses
              </th>
            </tr>
          </thead>
          <tbody>
            {model.clusters.map((cluster) => (
              <Row cluster={cluster} />
            ))}
          </tbody>
        </table>
      )}
    </Part>
  );
}
