import process from "node:process";
import type { SocketAddress } from "../../base/addresses.ts";
import { outliveReaders } from "../closed-pipes.ts";
import type { Host } from "../host.ts";
import { inspectCertificate } from "../node/certificate.ts";
import { listenFault, listenStream } from "../node/streams.ts";
import { nodeOpenFiles, nodeUsage } from "../node/usage.ts";
import type { Signal } from "../process.ts";
import { deno } from "./api.ts";
import { listenDenoTls } from "./streams.ts";

const SIGNALS: readonly Signal[] = ["SIGTERM", "SIGINT", "SIGHUP"];

/** Whether the port is in use now. Throws `ListenError` where it cannot be listened on at all. */
function isTaken(address: SocketAddress): boolean {
  if (address.port === 0) return false;
  try {
    deno.listen({ hostname: address.host, port: address.port }).close();
    return false;
  } catch (cause) {
    if ((cause as Error).name === "AddrInUse") return true;
    throw listenFault(address, cause);
  }
}

outliveReaders();

/** The process around a command, on Deno. */
export const denoHost: Host = {
  env: process.env,
  // Asking the system would take one more permission.
  machine: process.env.HOSTNAME,
  terminal: process.stderr.isTTY === true,
  stdout: (line) => void process.stdout.write(`${line}\n`),
  stderr: (line) => void process.stderr.write(`${line}\n`),
  draw: (text) => void process.stderr.write(text),
  columns: () => process.stderr.columns,
  write: (lines) => void process.stdout.write(lines),
  isTaken,
  listenStream,
  listenStreamTls: listenDenoTls,
  inspectCertificate,
  openFiles: nodeOpenFiles,
  usage: nodeUsage,
  onFault(handler) {
    const onRejection = (event: Event): void => {
      event.preventDefault();
      handler((event as Event & { readonly reason: unknown }).reason);
    };
    const onError = (event: Event): void => {
      event.preventDefault();
      handler((event as Event & { readonly error: unknown }).error);
    };
    globalThis.addEventListener("unhandledrejection", onRejection);
    globalThis.addEventListener("error", onError);
    return () => {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
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
