import { parseDocument, visit } from "yaml";
import { variableUses } from "../config/interpolate.ts";

/** What the kubelet can tell a container of its own pod (downward API), by the names everybody uses for it. */
export const DOWNWARD: Readonly<Record<string, string>> = {
  POD_NAME: "metadata.name",
  POD_NAMESPACE: "metadata.namespace",
  POD_UID: "metadata.uid",
  POD_IP: "status.podIP",
  HOST_IP: "status.hostIP",
  NODE_NAME: "spec.nodeName",
};

/** In every container without being asked for. */
const GIVEN = /^KUBERNETES_(?:SERVICE|PORT)/;

/** A variable that the config takes from the environment. */
export interface ConfigVariable {
  readonly name: string;
  /** Wherever it is named there is a default: it may be left out. */
  readonly optional: boolean;
}

/** The variables a config's text names, those of comments and those every container has left out. */
export function configVariables(text: string): ConfigVariable[] {
  const found = new Map<string, boolean>();
  visit(parseDocument(text, { uniqueKeys: false }), {
    Scalar(_key, { value }) {
      if (typeof value !== "string") return;
      for (const { name, hasDefault } of variableUses(value)) found.set(name, hasDefault && (found.get(name) ?? true));
    },
  });
  return [...found].filter(([name]) => !GIVEN.test(name)).map(([name, optional]) => ({ name, optional }));
}

/** Values that stand for variables that are not set here; they are DNS labels, so that they may stand for names too. */
export interface StandIns {
  readonly env: Readonly<Record<string, string>>;
  /** The variables whose stand-ins a text holds. */
  namedIn(text: string): string[];
}

/** Stand-ins for the variables that have neither a value nor a default. */
export function standIns(
  variables: readonly ConfigVariable[],
  env: Readonly<Record<string, string | undefined>>,
): StandIns {
  const missing = variables.filter(({ name, optional }) => !optional && env[name] === undefined);
  const values = new Map(missing.map(({ name }, index) => [`podway-stand-in-${index}-`, name]));
  return {
    env: Object.fromEntries([...values].map(([value, name]) => [name, `${value}x`])),
    namedIn: (text) => [...values].filter(([value]) => text.includes(value)).map(([, name]) => name),
  };
}
