/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import { authority } from "../../base/addresses.ts";
import type { ServiceSummary } from "../../discovery/catalog.ts";
import type { NodeDetail } from "../../discovery/views.ts";
import { Shape } from "./chart.tsx";
import { type Model, type OpenPort, SERVICES } from "./model.ts";
import { type Column, NumberCell, Pages, Search, Section, Table } from "./pieces.tsx";
import { href } from "./state.ts";
import { count, counted, type Tone } from "./words.ts";

/** Addresses of a port that are listed; a command lists all. */
const MOST_NODES = 60;

/** How many addresses a service has, in words and as a bar. */
function Addresses({ ready, terminating, unready }: ServiceSummary["addresses"]): Child {
  const all = ready + terminating + unready;
  const tone: Tone = ready > 0 ? (unready > 0 ? "wait" : "good") : terminating > 0 ? "warn" : "bad";
  const words = [`${count(ready)} ready`];
  if (terminating > 0) words.push(`${count(terminating)} terminating`);
  if (unready > 0) words.push(`${count(unready)} not ready`);
  return (
    <span class={`status ${all === 0 ? "bad" : tone}`}>
      <Shape tone={all === 0 ? "bad" : tone} />
      {all === 0 ? "no addresses" : words.join(", ")}
    </span>
  );
}

const isDetail = (node: object): node is NodeDetail => "slice" in node;

/** Whether an address gets requests, and why not. */
function stateOf({ excluded, behind, conditions, ejection, unhealthy }: NodeDetail): { tone: Tone; text: string } {
  if (excluded !== undefined) return { tone: "bad", text: excluded };
  if (ejection !== undefined) {
    const until = ejection.until.slice(11, 19);
    return { tone: "warn", text: `ejected until ${until} by route ${ejection.routes.join(", ")}` };
  }
  if (unhealthy !== undefined) {
    return { tone: "warn", text: `its health checks fail, by route ${unhealthy.routes.join(", ")}` };
  }
  if (!conditions.ready) return { tone: "warn", text: "terminating, used as the last resort" };
  if (behind !== undefined) return { tone: "good", text: `ready, ${behind}` };
  return { tone: "good", text: "ready" };
}

const NODE_COLUMNS: readonly Column[] = ["Address", "State", { name: "Weight", number: true }, "Pod", "Zone"];

function Node({ node }: { node: NodeDetail }): Child {
  const { host, port, weight, pod, zone } = node;
  const { tone, text } = stateOf(node);
  return (
    <tr data-key={`node-${host}-${port}-${pod ?? ""}`}>
      <th scope="row" class="mono" data-label="Address">
        {authority(node)}
      </th>
      <td data-label="State">
        <span class={`status ${tone}`}>
          <Shape tone={tone} />
          {text}
        </span>
      </td>
      <NumberCell label="Weight">{weight}</NumberCell>
      <td data-label="Pod" class="mono">
        {pod ?? <span class="soft">none named</span>}
      </td>
      <td data-label="Zone">{zone ?? <span class="soft">–</span>}</td>
    </tr>
  );
}

function Port({ service, port, answer }: { service: string } & OpenPort): Child {
  const nodes = [...answer.nodes.filter(isDetail), ...(answer.excluded ?? [])];
  const name = port === "" ? service : `${service}:${port}`;
  return (
    <>
      {answer.reason === undefined ? "" : <p class="reason">{answer.reason}</p>}
      {nodes.length === 0 ? (
        ""
      ) : (
        <Table caption={name} columns={NODE_COLUMNS} captionClass="mono" look="nodes">
          {nodes.slice(0, MOST_NODES).map((node) => (
            <Node node={node} />
          ))}
        </Table>
      )}
      {nodes.length > MOST_NODES ? (
        <p class="soft">
          and {count(nodes.length - MOST_NODES)} more: <code>podway nodes {name} --verbose</code> lists all
        </p>
      ) : (
        ""
      )}
      {(answer.notes ?? []).map((note) => (
        <p class="soft">{note}</p>
      ))}
    </>
  );
}

function Row({ service, model }: { service: ServiceSummary; model: Model }): Child {
  const { reference, ports, addresses } = service;
  const { state, services } = model;
  const opened = services.open.get(reference);
  const id = `service-${reference}`;
  const others = state.open.filter((one) => one !== reference);
  const open = opened === undefined ? [...others, reference] : others;
  return (
    <>
      <tr data-key={id}>
        <th scope="row" data-label="Service">
          <a
            class="expander mono"
            id={`open-${reference}`}
            href={href(state, { open }, "services")}
            aria-expanded={opened === undefined ? "false" : "true"}
            data-live=""
          >
            {reference}
          </a>
        </th>
        <td data-label="Addresses">
          <Addresses {...addresses} />
        </td>
        <td data-label="Ports" class="mono soft">
          {ports.length === 0 ? "none" : ports.join(", ")}
        </td>
      </tr>
      {opened === undefined ? (
        ""
      ) : (
        <tr class="more" data-key={`${id}-open`}>
          <td colspan={3}>
            {opened.map(({ port, answer }) => (
              <Port service={reference} port={port} answer={answer} />
            ))}
          </td>
        </tr>
      )}
    </>
  );
}

/** A page of the services that are known, found by name; one that is opened shows its addresses. */
export function Services({ model }: { model: Model }): Child {
  const { state, services } = model;
  const { total, found } = services;
  return (
    <Section id="services" label="Services">
      <Search
        state={state}
        field="q"
        page="page"
        label="Search services"
        hint="namespace or name"
        place="services"
        found={found}
        total={total}
      />
      {services.services.length === 0 ? (
        <p class="empty">
          {total === 0
            ? "No service is known yet. They appear with the first list of a cluster."
            : found === 0
              ? "No service has all of these words in its name."
              : `There is no such page: ${counted(found, "service")} found.`}
        </p>
      ) : (
        <Table
          caption="Services with their addresses and ports"
          columns={["Service", "Addresses", "Ports"]}
          look="brief"
        >
          {services.services.map((service) => (
            <Row service={service} model={model} />
          ))}
        </Table>
      )}
      <Pages state={state} field="page" size={SERVICES} found={found} label="Pages of services" place="services" />
    </Section>
  );
}
