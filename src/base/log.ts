/** How much a line matters. `debug` is for those who look for something, the others for everybody. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Fields of a line beside its message. Never a secret: tokens and keys do not reach a logger. */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

/** Where modules report what happened. The runtime's entry decides how it looks (JSON lines, pretty on a terminal). */
export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

/** Says nothing. */
export const silentLogger: Logger = { log: () => {} };
