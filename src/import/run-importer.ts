import packageJson from "../../package.json" with { type: "json" };
import type { ConfigIssue } from "../config/issues.ts";
import { loadConfig } from "../config/load.ts";
import { printDocument } from "./document.ts";
import type { Importer } from "./importer.ts";
import { type ImportIssue, type Input, type InputFile, readInput } from "./input.ts";

/** A file to import. */
export interface ImportedFile {
  readonly name: string;
  readonly content: string;
}

/** What became of the files. */
export type Imported =
  | {
      readonly ok: true;
      /** The text of a gateway.yaml. */
      readonly gateway: string;
      /** What is not carried over, with the reason. */
      readonly leftovers: readonly ImportIssue[];
      /** What is carried over and differs. */
      readonly notes: readonly ImportIssue[];
      /** What `check` has against the result; the importer should have seen it. */
      readonly faults: readonly ConfigIssue[];
    }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** Every variable is set: the result is checked where it does not run. */
const anyEnv = (env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> =>
  new Proxy(env, {
    get: (target, name) => Reflect.get(target, name) ?? "1",
    getOwnPropertyDescriptor: (target, name) =>
      Reflect.getOwnPropertyDescriptor(target, name) ?? {
        value: "1",
        configurable: true,
        enumerable: true,
        writable: false,
      },
  });

/** Imports files: prints what was made of them and gathers what was not carried over. Never throws. */
export function runImporter(
  importer: Importer,
  files: readonly ImportedFile[],
  on: (name: string) => boolean = () => false,
): Imported {
  const read = files.map(({ name, content }) =>
    readInput(name, importer.prepare?.(content) ?? content, { text: importer.text, anyCase: importer.anyCase }),
  );
  const issues = read.flatMap((file) => file.issues);
  if (issues.length > 0) return { ok: false, issues };
  const roots = read.map((file) => file.root);
  const refusal = importer.refuse?.(roots);
  if (refusal !== undefined) {
    return { ok: false, issues: [{ file: files[0]!.name, line: 1, column: 1, path: "", message: refusal }] };
  }
  const made = importer.convert(roots, on);
  const leftovers = read.flatMap((file) => file.leftovers());
  const gateway = printDocument(made, {
    heading: [
      `Made by podway ${packageJson.version} of ${importer.name}'s ${files.map(({ name }) => name).join(", ")}.`,
      "What could not be carried over is named beside what it belongs to, and was told when this was made.",
    ],
    leftovers,
    where: (input) => whereIs(input, read, roots),
  });
  const env = anyEnv({ KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" });
  const checked = loadConfig({ file: "gateway.yaml", text: gateway, env, pod: { tokenFile: "/token" } });
  return {
    ok: true,
    gateway,
    leftovers,
    notes: read.flatMap((file) => file.notes()),
    faults: checked.ok ? [] : checked.errors,
  };
}

function whereIs(input: Input, files: readonly InputFile[], roots: readonly Input[]): { path: string; line: number } {
  const file = files[roots.findIndex((root) => root.file === input.file)]!;
  return file.where(input.path);
}
