import { hostname } from "node:os";
import { outliveReaders } from "../closed-pipes.ts";
import type { Host } from "../host.ts";
import { inspectCertificate } from "../node/certificate.ts";
import { listenStreamTls } from "../node/streams.ts";
import { nodeOpenFiles, nodeUsage } from "../node/usage.ts";
import type { Signal } from "../process.ts";
import { isTaken, listenBunStream } from "./streams.ts";
import { bunThreads } from "./threads.ts";

const SIGNALS: readonly Signal[] = ["SIGTERM", "SIGINT", "SIGHUP"];

outliveReaders();

/** The process around a command, on Bun. */
export const bunHost: Host = {
  env: process.env,
  machine: hostname(),
  terminal: process.stderr.isTTY === true,
  stdout: (line) => void process.stdout.write(`${line}\n`),
  stderr: (line) => void process.stderr.write(`${line}\n`),
  draw: (text) => void process.stderr.write(text),
  columns: () => process.stderr.columns,
  write: (lines) => void process.stdout.write(lines),
  isTaken,
  listenStream: listenBunStream,
  listenStreamTls,
  inspectCertificate,
  openFiles: nodeOpenFiles,
  usage: nodeUsage,
  threads: bunThreads,
  onFault(handler) {
    const listener = (fault: unknown): void => handler(fault);
    process.on("unhandledRejection", listener);
    process.on("uncaughtException", listener);
    return () => {
      process.off("unhandledRejection", listener);
      process.off("uncaughtException", listener);
    };
  },
  onSignal(handler) {
    const listeners = SIGNALS.map((signal) => [signal, () => handler(signal)] as const);
    for (const [signal, listener] of listeners) process.on(signal, listener);
    return () => {
      for (const [signal, listener] of listeners) process.off(signal, listener);
    };
  },
};
