/**
 * The process's log and its access log: JSON lines on one destination, through pino.
 */
import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";
import { codeName } from "../status/index.ts";
import type { AccessRecord, RequestObserver } from "./access-record.ts";

/** Log levels, loudest last to first; `silent` switches logging off. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

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

/** Writes one line a finished request to `logger`, at level info. */
export function createAccessLog(logger: Logger): RequestObserver {
  return {
    requestStarted: () => {},
    requestFinished: (record) => logger.info(accessFields(record), "request"),
  };
}

function accessFields(record: AccessRecord): object {
  return {
    requestId: record.requestId,
    listener: record.listener,
    peer: record.peer,
    method: record.httpMethod,
    path: record.path,
    route: record.route,
    rpc: record.rpc,
    upstream: record.upstream,
    status: record.httpStatus,
    grpcStatus: codeName(record.code),
    ...(record.reason === undefined ? {} : { reason: record.reason }),
    durationMs: round(record.durationMs),
    upstreamMs: round(record.upstreamMs),
    transcodeMs: round(record.transcodeMs),
    bytesIn: record.bytesIn,
    bytesOut: record.bytesOut,
    ...(record.unknownFields.length === 0 ? {} : { unknownFields: record.unknownFields }),
  };
}

/** Microseconds are as exact as the clock is worth reading. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
