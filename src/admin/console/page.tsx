/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import { Clusters } from "./clusters.tsx";
import { type Answer, Explain } from "./explain.tsx";
import type { Model } from "./model.ts";
import { Overview } from "./overview.tsx";
import { Hidden } from "./pieces.tsx";
import { Services } from "./services.tsx";
import { href } from "./state.ts";
import { Streams } from "./streams.tsx";
import { Timeline } from "./timeline.tsx";
import { Routes } from "./traffic.tsx";

/** Which gateway this is, for those who look at several. */
function About({ model: { about } }: { model: Model }): Child {
  const { version, runtime, host, file, hash, current } = about;
  const facts = [
    ["Podway", `${version} on ${runtime}`],
    ...(host === undefined ? [] : [["Host", host]]),
    ["Config", current ? file : `${file} as it was before the change that was refused`],
    ["Hash", String(hash)],
  ];
  return (
    <footer id="about">
      <dl>
        {facts.map(([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </footer>
  );
}

/** The parts that are sent again when they change, by the id of their element. */
export const LIVE_PARTS = {
  overview: Overview,
  clusters: Clusters,
  routes: Routes,
  streams: Streams,
  services: Services,
  timeline: Timeline,
  about: About,
} as const;

const THEMES = [
  ["", "Auto"],
  ["light", "Light"],
  ["dark", "Dark"],
] as const;

/** Where the style sheet and the script are; `version` differs when they do. */
export interface Assets {
  readonly css: string;
  readonly script: string;
}

function Header({ model }: { model: Model }): Child {
  const { state } = model;
  return (
    <header>
      <h1>
        Podway <span class="soft">console</span>
      </h1>
      <p id="live" class="soft" data-state="off">
        <noscript>
          Without a script this page stands still:{" "}
          {state.refresh ? (
            <a href={href(state, { refresh: false })}>stop loading it every 10 seconds</a>
          ) : (
            <a href={href(state, { refresh: true })}>load it every 10 seconds</a>
          )}
        </noscript>
      </p>
      <button type="button" id="pause" hidden aria-pressed="false">
        Pause
      </button>
      <form id="theme" method="get" action="/" aria-label="Colours">
        <Hidden state={state} without={["theme"]} />
        {THEMES.map(([theme, label]) => (
          <button type="submit" name="theme" value={theme} aria-pressed={String((state.theme ?? "") === theme)}>
            {label}
          </button>
        ))}
      </form>
    </header>
  );
}

/** The whole page. */
export function ConsolePage(props: { model: Model; answer: Answer | undefined; assets: Assets }): Child {
  const { model, answer, assets } = props;
  const { state } = model;
  return (
    <html lang="en" data-theme={state.theme ?? ""}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Podway console</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href={assets.css} />
        <script src={assets.script} />
        {state.refresh ? (
          <noscript>
            <meta http-equiv="refresh" content="10" />
          </noscript>
        ) : (
          ""
        )}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <Header model={model} />
        <nav class="parts" aria-label="Parts of this page">
          <a href="#clusters">Clusters</a>
          <a href="#routes">Routes</a>
          {model.streams.shown.length === 0 ? "" : <a href="#streams">Streams</a>}
          <a href="#services">Services</a>
          <a href="#explain">Explain</a>
          <a href="#timeline">Changes</a>
        </nav>
        <main id="main" tabindex={-1}>
          <Overview model={model} />
          <div class="columns">
            <div class="column">
              <Clusters model={model} />
              <Routes model={model} />
              <Streams model={model} />
              <Services model={model} />
            </div>
            <div class="column rail">
              <Explain state={state} answer={answer} />
              <Timeline model={model} />
            </div>
          </div>
        </main>
        <About model={model} />
        <p id="announce" class="hidden" role="status" />
      </body>
    </html>
  );
}
