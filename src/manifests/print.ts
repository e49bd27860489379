import { stringify } from "yaml";
import type { Manifest } from "./types.ts";

const commented = (lines: readonly string[]): string => lines.map((line) => `# ${line}`.trimEnd()).join("\n");

/** Several objects as one YAML text, the notes in front as comments. */
export function printYaml(manifests: readonly Manifest[], notes: readonly string[]): string {
  const documents = manifests.map(({ object, comment = [] }) => {
    const text = stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
    return comment.length === 0 ? text : `${commented(comment)}\n${text}`;
  });
  const head = notes.length === 0 ? "" : `${commented(notes)}\n---\n`;
  return `${head}${documents.join("\n---\n")}`;
}

/** The same as one List, which kubectl takes as well. */
export const printJson = (manifests: readonly Manifest[]): string =>
  JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests.map(({ object }) => object) }, undefined, 2);
