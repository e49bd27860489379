/** Where a benchmark tells what it does at the moment: on a terminal, in one line that is gone when it ends. */
import { createProgress, type Progress } from "../../src/server/progress.ts";

const began = performance.now();
const line: Progress = createProgress({
  terminal: process.stderr.isTTY === true,
  env: process.env,
  write: (text) => void process.stderr.write(text),
  now: () => performance.now(),
  columns: () => process.stderr.columns,
});
let doing = "starting";

const show = (): void => line.show(`${doing} · ${Math.round((performance.now() - began) / 1000)} s`);

/** It does this now. */
export function step(what: string): void {
  doing = what;
  show();
}

/** Shows the steps until the returned function is called; what is printed meanwhile takes the line's place. */
export function showSteps(first: string): () => void {
  doing = first;
  const { stdout } = process;
  const write = stdout.write;
  stdout.write = ((...args: Parameters<typeof write>) => {
    line.around(() => {});
    return write.apply(stdout, args);
  }) as typeof write;
  const timer = setInterval(show, 200);
  // What is measured must not wait for it.
  timer.unref();
  return () => {
    clearInterval(timer);
    stdout.write = write;
    line.end();
  };
}
