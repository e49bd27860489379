import {
  configureSync,
  getAnsiColorFormatter,
  getJsonLinesFormatter,
  getLogger,
  type LogRecord,
  type LogLevel as LogtapeLevel,
} from "@logtape/logtape";
import type { Logger, LogLevel } from "../base/log.ts";

const LEVELS: Record<LogLevel, LogtapeLevel> = { debug: "debug", info: "info", warn: "warning", error: "error" };

/** Shows the fields behind the message: LogTape's pretty formatter leaves them out. */
function withFields(record: LogRecord): LogRecord {
  const fields = Object.entries(record.properties)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
  return fields === "" ? record : { ...record, message: [`${record.message.join("")} (${fields})`] };
}

/** The log of a process, whose level a config reload may change. */
export interface ProcessLogger extends Logger {
  setLevel(level: LogLevel): void;
}

/**
 * The program's own log: JSON lines, or pretty on a terminal, handed to `write` line by line.
 */
export function createLogger(options: {
  level: LogLevel;
  pretty: boolean;
  write: (text: string) => void;
}): ProcessLogger {
  const json = getJsonLinesFormatter({ categorySeparator: ".", properties: "flatten" });
  const pretty = getAnsiColorFormatter({ timestamp: "time", category: () => "" });
  const configure = (level: LogLevel): void =>
    configureSync({
      reset: true,
      sinks: {
        out: (record) => options.write(options.pretty ? pretty(withFields(record)) : json(record)),
      },
      loggers: [
        { category: ["podway"], lowestLevel: LEVELS[level], sinks: ["out"] },
        { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["out"] },
      ],
    });
  configure(options.level);
  const logger = getLogger(["podway"]);
  return {
    log(level, message, fields) {
      // The message is text, not a template: its braces must stay. LogTape takes one without any { as it is.
      const text = message.includes("{") ? message.replaceAll("{", "{{").replaceAll("}", "}}") : message;
      logger[level](text, fields ?? {});
    },
    setLevel: configure,
  };
}
