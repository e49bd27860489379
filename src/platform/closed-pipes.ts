import process from "node:process";

/**
 * The reader of what is printed may have seen enough (`| head`), or have ended before a gateway that it logs: what is
 * written then goes nowhere, and is no reason to fail or to stop serving.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}
