/** One instruction of a Dockerfile. https://docs.docker.com/reference/dockerfile/ */
export interface Instruction {
  readonly line: number;
  /** Upper case: `RUN`, `COPY` … */
  readonly name: string;
  /** What follows, continued lines joined. */
  readonly text: string;
}

/** What stands between two `FROM`s. */
export interface Stage {
  readonly image: string;
  readonly name: string | undefined;
  readonly steps: readonly Instruction[];
}

/** A text's lines with the continued ones joined, comments and empty ones left out. */
function* instructions(text: string): Generator<Instruction> {
  let open: { line: number; text: string } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    const whole = (open?.text ?? "") + line.trim();
    open = { line: open?.line ?? index + 1, text: whole };
    if (whole.endsWith("\\")) {
      open.text = `${whole.slice(0, -1).trimEnd()} `;
      continue;
    }
    const [name = "", ...rest] = whole.split(/\s+/);
    yield { line: open.line, name: name.toUpperCase(), text: rest.join(" ") };
    open = undefined;
  }
}

/**
 * Takes a Dockerfile apart; before its first `FROM` there may be an `ARG` for each image, whose value is `args`' or its default.
 * Throws for anything else there.
 */
export function parseDockerfile(text: string, args: Readonly<Record<string, string>> = {}): Stage[] {
  const stages: { image: string; name: string | undefined; steps: Instruction[] }[] = [];
  const values = new Map<string, string>();
  const filled = (word: string): string =>
    word.replace(/\$\{(\w+)\}/g, (_whole, name: string) => {
      const value = values.get(name);
      if (value === undefined) throw new Error(`Dockerfile: there is no ARG ${name}`);
      return value;
    });
  for (const instruction of instructions(text)) {
    if (instruction.name === "FROM") {
      const [image = "", , name] = instruction.text.split(/\s+/);
      stages.push({ image: filled(image), name, steps: [] });
    } else if (stages.length === 0 && instruction.name === "ARG") {
      const [, name = "", normal = ""] = /^(\w+)=(\S+)$/.exec(instruction.text) ?? [];
      values.set(name, args[name] ?? normal);
    } else if (stages.length === 0) {
      throw new Error(`Dockerfile:${instruction.line}: ${instruction.name} before any FROM`);
    } else {
      stages.at(-1)!.steps.push(instruction);
    }
  }
  return stages;
}

/** The words of an instruction that takes them as a JSON list; one in shell form is the shell's. */
export const wordsOf = (text: string): string[] =>
  text.startsWith("[") ? (JSON.parse(text) as string[]) : ["/bin/sh", "-c", text];
