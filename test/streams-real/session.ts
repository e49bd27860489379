import { until } from "../helpers/wait.ts";

/** A client program that stays connected and is talked to line by line. */
export interface Session extends AsyncDisposable {
  /** Says a line to it, and waits until its answer has what is expected in it. */
  ask(line: string, expected: RegExp): Promise<void>;
  /** Everything it said, on both outputs. */
  readonly text: string;
}

/** Starts one. */
export function startSession(...command: string[]): Session {
  const child = Bun.spawn(command, {
    env: { ...process.env, LC_ALL: "C" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  let text = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  };
  const outputs = Promise.all([collect(child.stdout), collect(child.stderr)]);
  return {
    async ask(line, expected) {
      const from = text.length;
      child.stdin.write(`${line}\n`);
      await child.stdin.flush();
      await until(() => expected.test(text.slice(from)), {
        message: () => `${expected} after ${JSON.stringify(line)}; it said ${JSON.stringify(text.slice(from))}`,
      });
    },
    get text() {
      return text;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      await outputs;
    },
  };
}
