export { type AccessRecord, combineObservers, type RequestObserver } from "./access-record.ts";
export { createAccessLog, createLogger, type Logger, type LogLevel } from "./logger.ts";
export { Meters } from "./meters.ts";
export type { Reading, Sample } from "./reading.ts";
