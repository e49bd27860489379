/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import { authority } from "../../base/addresses.ts";
import type { StreamTraffic } from "../../telemetry/traffic.ts";
import type { Model, ShownStream } from "./model.ts";
import { type Column, NumberCell, Section, Table } from "./pieces.tsx";
import { RouteTarget } from "./target.tsx";
import { bytes, count } from "./words.ts";

/** Connections that did not end well, by their reasons. */
function Failures({ failures }: StreamTraffic): Child {
  const some = Object.entries(failures).filter(([, times]) => times > 0);
  if (some.length === 0) return <span class="soft">none</span>;
  return (
    <ul class="plain">
      {some.map(([reason, times]) => (
        <li>
          {reason.replaceAll("_", " ")} {count(times)}
        </li>
      ))}
    </ul>
  );
}

const COLUMNS: readonly Column[] = [
  "Stream",
  "Goes to",
  { name: "Open", number: true },
  { name: "Taken", number: true },
  { name: "From clients", number: true },
  { name: "To clients", number: true },
  "Failures",
];

function Row({ stream, model }: { stream: ShownStream; model: Model }): Child {
  const { id, listen, tls } = stream;
  const traffic = model.streams.traffic.find((one) => one.stream === id);
  return (
    <tr data-key={`stream-${id}`}>
      <th scope="row" data-label="Stream">
        {id}
        <span class="match mono soft">
          {authority(listen)}
          {tls === undefined ? "" : " TLS"}
        </span>
      </th>
      <td data-label="Goes to">
        <RouteTarget
          of={stream}
          state={model.state}
          ejected={traffic?.ejected ?? 0}
          unhealthy={traffic?.unhealthy ?? 0}
        />
      </td>
      <NumberCell label="Open">{count(traffic?.open ?? 0)}</NumberCell>
      <NumberCell label="Taken">{count(traffic?.connections ?? 0)}</NumberCell>
      <NumberCell label="From clients">{bytes(traffic?.up ?? 0)}</NumberCell>
      <NumberCell label="To clients">{bytes(traffic?.down ?? 0)}</NumberCell>
      <td data-label="Failures">{traffic === undefined ? "" : <Failures {...traffic} />}</td>
    </tr>
  );
}

/** The TCP streams with their connections; an empty place where there are none. */
export function Streams({ model }: { model: Model }): Child {
  const { shown } = model.streams;
  if (shown.length === 0) return <section id="streams" hidden />;
  return (
    <Section id="streams" label="Streams">
      <Table caption="TCP streams with their connections, since the gateway started" columns={COLUMNS} look="facts">
        {shown.map((stream) => (
          <Row stream={stream} model={model} />
        ))}
      </Table>
    </Section>
  );
}
