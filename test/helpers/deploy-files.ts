import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** The repository's `deploy` folder. */
export const DEPLOY: string = join(import.meta.dir, "../../deploy");

/** A query of the dashboard. */
export interface PanelQuery {
  readonly panel: string;
  readonly expr: string;
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** Every query of the Grafana dashboard, as it stands in the file. */
export function dashboardQueries(): PanelQuery[] {
  const { panels } = JSON.parse(readFileSync(join(DEPLOY, "grafana/podway.json"), "utf8")) as { panels: Panel[] };
  return panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ panel: title, expr })));
}

/** An alert of the rules file. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Every alert of the rules file. */
export function alertRules(): AlertRule[] {
  const file = parse(readFileSync(join(DEPLOY, "prometheus/podway.rules.yaml"), "utf8")) as {
    groups: { rules: AlertRule[] }[];
  };
  return file.groups.flatMap(({ rules }) => rules);
}
