/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import { authority } from "../../base/addresses.ts";
import type { GatewayView } from "../../gateway/view.ts";
import type {
  ExcludedNode,
  Explained,
  ExplainedNode,
  ExplainedService,
  Verdict,
} from "../../reports/explain/answer.ts";
import { ExplainQueryError } from "../../reports/explain/question.ts";
import { PORT_WORDS } from "../../reports/explain/words.ts";
import { Shape } from "./chart.tsx";
import { Hidden, Section } from "./pieces.tsx";
import type { ConsoleState, ExplainForm } from "./state.ts";
import { count, percent, type Tone } from "./words.ts";

/** What became of the question on the page. */
export type Answer = { readonly explained: Explained } | { readonly problem: string };

/** Routes and nodes that are listed; a command lists all. */
const MOST = 40;

/** Asks about the request in the form; undefined: there is none. */
export async function answerForm(view: GatewayView, form: ExplainForm | undefined): Promise<Answer | undefined> {
  if (form === undefined) return undefined;
  const headers = form.headers
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  try {
    return { explained: await view.explain({ method: form.method, url: form.url, headers }) };
  } catch (error) {
    if (error instanceof ExplainQueryError) return { problem: error.message };
    throw error;
  }
}

const OUTCOMES: Record<Verdict["outcome"], Tone> = {
  forward: "good",
  redirect: "good",
  depends: "warn",
  problem: "bad",
};

/** The first of many, and how many more there are. */
function Some<T>({ of, item }: { of: readonly T[]; item: (one: T) => Child }): Child {
  return (
    <>
      {of.slice(0, MOST).map(item)}
      {of.length > MOST ? <li class="soft">and {count(of.length - MOST)} more</li> : ""}
    </>
  );
}

const nodeItem = (node: ExplainedNode): Child => (
  <li>
    <span class="mono">{authority(node)}</span>{" "}
    <span class="soft">
      {[`weight ${node.weight}`, node.priority && `priority ${node.priority}`, node.pod, node.doubt]
        .filter((text) => text !== undefined)
        .join(", ")}
    </span>
  </li>
);

const excludedItem = (node: ExcludedNode): Child => (
  <li>
    <span class="mono">{authority(node)}</span> {node.reason}
    {node.until === undefined ? "" : <span class="soft"> until {node.until.slice(11, 19)}</span>}
  </li>
);

function Service({ service }: { service: ExplainedService }): Child {
  const { reference, share, priority, inUse, chosen, cluster, port, balancing, nodes, excluded, reason } = service;
  const found = port?.by == null ? undefined : PORT_WORDS[port.by];
  return (
    <>
      <h3>
        <span class="mono">{reference}</span>
        {!inUse ? (
          <span class="soft"> waits: priority {priority}</span>
        ) : share < 1 ? (
          <span class="soft"> {percent(share)} of the requests</span>
        ) : (
          ""
        )}
        {chosen ? <span class="soft">, and the one this request means</span> : ""}
      </h3>
      {cluster === undefined || cluster.lastError === null ? "" : <p class="reason">{cluster.lastError}</p>}
      {reason === undefined ? "" : <p class="reason">{reason}</p>}
      {found === undefined ? "" : <p class="soft">Port found by {found}.</p>}
      {nodes.length === 0 ? (
        ""
      ) : (
        <>
          <p class="soft">
            {balancing.policy.replaceAll("_", " ")}
            {balancing.key === undefined ? "" : ` by ${balancing.key}`}:
          </p>
          <ol>
            <Some of={nodes} item={nodeItem} />
          </ol>
        </>
      )}
      {excluded.length === 0 ? (
        ""
      ) : (
        <>
          <p class="soft">Not used:</p>
          <ul>
            <Some of={excluded} item={excludedItem} />
          </ul>
        </>
      )}
    </>
  );
}

function Result({ explained }: { explained: Explained }): Child {
  const { verdict, routes, upstream, middleware, services } = explained;
  const tone = OUTCOMES[verdict.outcome];
  const code = [verdict.status, verdict.code].filter((part) => part !== undefined).join(" ");
  return (
    <>
      <p class="sentence">
        <Shape tone={tone} />
        <span>
          {verdict.summary}
          {verdict.summary.includes(code) ? "" : <span class="mono soft"> {code}</span>}
        </span>
      </p>
      {upstream === undefined ? (
        ""
      ) : (
        <p class="soft">
          Sent as <span class="mono">{upstream.path.sent}</span>
          {upstream.path.by === null ? "" : ` (${upstream.path.by})`}
        </p>
      )}
      {middleware.length === 0 ? (
        ""
      ) : (
        <>
          <h3>Middleware</h3>
          <ol>
            {middleware.map(({ name, answers }) => (
              <li>
                {name}
                {answers === undefined ? "" : <span class="soft">: {answers}</span>}
              </li>
            ))}
          </ol>
        </>
      )}
      {services.map((service) => (
        <Service service={service} />
      ))}
      {routes.length === 0 ? (
        ""
      ) : (
        <details open={explained.route === null}>
          <summary>Routes in their order, and why</summary>
          <ol>
            <Some
              of={routes}
              item={({ id, matched, reason }) => (
                <li>
                  <strong>{id}</strong> <span class={matched ? "" : "soft"}>{reason}</span>
                </li>
              )}
            />
          </ol>
        </details>
      )}
    </>
  );
}

/** A form that asks what becomes of a request, and the answer. */
export function Explain({ state, answer }: { state: ConsoleState; answer: Answer | undefined }): Child {
  const { method = "GET", url = "", headers = "" } = state.explain ?? {};
  return (
    <Section id="explain" label="Explain a request">
      <form method="get" action="/#explain" data-live="">
        <Hidden state={state} without={["method", "url", "header"]} />
        <div class="line">
          <label>
            Method
            <input id="explain-method" type="text" name="method" value={method} autocomplete="off" spellcheck={false} />
          </label>
          <label>
            URL or path
            <input
              id="explain-url"
              type="text"
              name="url"
              value={url}
              placeholder="http://shop.example.org/cart"
              autocomplete="off"
              spellcheck={false}
              required
            />
          </label>
        </div>
        <label>
          Headers, one a line
          <textarea id="explain-header" name="header" rows={2} spellcheck={false} placeholder="x-env: canary">
            {headers}
          </textarea>
        </label>
        <button type="submit">Explain</button>
        <p class="soft note">
          Nothing is sent to a pod. What you write stands in this page's address: leave secrets out.
        </p>
      </form>
      <div class="answer" role="status">
        {answer === undefined ? (
          ""
        ) : "problem" in answer ? (
          <p class="reason">This cannot be explained: {answer.problem}</p>
        ) : (
          <Result explained={answer.explained} />
        )}
      </div>
    </Section>
  );
}
