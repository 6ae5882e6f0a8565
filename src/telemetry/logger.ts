/**
 * The process's log: JSON lines, through pino.
 */
import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";

/** Log levels, from most to least; `silent` switches logging off. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** One of them. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A structured log: fields first, then the sentence. */
export type Logger = Pick<PinoLogger, "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "level">;

/** Makes the process's logger; without a destination it writes to standard output. Every line has `fields`. */
export function createLogger(
  level: LogLevel,
  destination?: DestinationStream,
  fields?: Readonly<Record<string, unknown>>,
): Logger {
  const options = {
    level,
    base: fields === undefined ? null : { ...fields },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: levelField },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

function levelField(label: string): { level: string } {
  return { level: label };
}
