export { type AccessRecord, combineObservers, type RequestObserver } from "./access-record.ts";
export { createAccessLog, createLogger, type Logger, type LogLevel } from "./logger.ts";
export { Meters, type UpstreamReading } from "./meters.ts";
