/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import type { StreamTraffic } from "../../observe/traffic.ts";
import type { Model, ShownStream } from "./model.ts";
import { Part } from "./pieces.tsx";
import { Target } from "./target.tsx";
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

function Row({ stream, model }: { stream: ShownStream; model: Model }): Child {
  const { id, listen, tls } = stream;
  const traffic = model.streams.traffic.find((one) => one.stream === id);
  return (
    <tr data-key={`stream-${id}`}>
      <th scope="row" data-label="Stream">
        {id}
        <span class="match mono soft">
          {listen.host.includes(":") ? `[${listen.host}]` : listen.host}:{listen.port}
          {tls === undefined ? "" : " TLS"}
        </span>
      </th>
      <td data-label="Goes to">
        <Target of={stream} state={model.state} ejected={traffic?.ejected ?? 0} unhealthy={traffic?.unhealthy ?? 0} />
      </td>
      <td data-label="Open" class="number">
        {count(traffic?.open ?? 0)}
      </td>
      <td data-label="Taken" class="number">
        {count(traffic?.connections ?? 0)}
      </td>
      <td data-label="From clients" class="number">
        {bytes(traffic?.up ?? 0)}
      </td>
      <td data-label="To clients" class="number">
        {bytes(traffic?.down ?? 0)}
      </td>
      <td data-label="Failures">{traffic === undefined ? "" : <Failures {...traffic} />}</td>
    </tr>
  );
}

/** The TCP streams with their connections; an empty place where there are none. */
export function Streams({ model }: { model: Model }): Child {
  const { shown } = model.streams;
  if (shown.length === 0) return <section id="streams" hidden />;
  return (
    <Part id="streams" label="Streams">
      <table class="stacked">
        <caption class="hidden">TCP streams with their connections, since the gateway started</caption>
        <thead>
          <tr>
            <th scope="col">Stream</th>
            <th scope="col">Goes to</th>
            <th scope="col" class="number">
              Open
            </th>
            <th scope="col" class="number">
              Taken
            </th>
            <th scope="col" class="number">
              From clients
            </th>
            <th scope="col" class="number">
              To clients
            </th>
            <th scope="col">Failures</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((stream) => (
            <Row stream={stream} model={model} />
          ))}
        </tbody>
      </table>
    </Part>
  );
}
