/** From config to the access log and where it goes. */
import type { Config } from "../config/index.ts";
import {
  type AccessFormat,
  AccessLog,
  jsonAccessFormat,
  LineBuffer,
  type Logger,
  openFileWriter,
  parseAccessTemplate,
  type Reading,
  RedactedNames,
  type RequestObserver,
  templateAccessFormat,
} from "../telemetry/index.ts";

/** The access log of one process. */
export interface OpenedAccessLog {
  readonly observer: RequestObserver;
  readonly readings: readonly Reading[];
  /** Opens its file anew, after it was moved away; says in the log if that fails, and goes on with the old one. */
  reopen(): Promise<void>;
  /** Writes what is left, for a second at most. */
  close(): Promise<void>;
}

/** How long the last lines have. */
const CLOSE_MS = 1000;

/**
 * Opens what `config` asks for; undefined where there is none. Lines go to `standardOutput` unless a file is named.
 * @throws {Error} (rejects) if the file cannot be opened, with its path.
 */
export async function openAccessLog(
  { accessLog }: Pick<Config, "accessLog">,
  standardOutput: () => LineBuffer,
  log: Logger,
): Promise<OpenedAccessLog | undefined> {
  const { enabled, file, sampling, bufferBytes } = accessLog;
  if (!enabled) return undefined;
  const buffer = file === undefined ? standardOutput() : await openFile(file.resolved, log);
  const lines = buffer.channel(bufferBytes);
  const observer = new AccessLog({
    format: formatOf(accessLog),
    sampling: { ratio: sampling.ratio, errors: sampling.alwaysErrors ? "always" : "sampled" },
    lines,
    now: Date.now,
    random: Math.random,
  });
  return {
    observer,
    readings: [
      {
        name: "sluice_access_log_dropped_total",
        help: "Lines of the access log that were not written, because their destination did not take them.",
        kind: "counter",
        labels: [],
        read: () => [[[], lines.dropped]],
      },
    ],
    reopen: async () => {
      try {
        await buffer.reopen();
      } catch (error) {
        log.error({ err: error }, "the access log cannot be opened anew; going on with the old file");
      }
    },
    // Standard output belongs to the process, which has last words of its own.
    close: () => (file === undefined ? buffer.flush(CLOSE_MS) : buffer.close(CLOSE_MS)),
  };
}

async function openFile(path: string, log: Logger): Promise<LineBuffer> {
  const writer = await openFileWriter(path).catch((error: unknown) => {
    const cause = error instanceof Error ? error.message : String(error);
    throw new Error(`the access log cannot be opened: ${cause}`, { cause: error });
  });
  return new LineBuffer(writer, (error) => {
    log.error({ err: error, file: path }, "the access log cannot be written; its lines are dropped");
  });
}

function formatOf({ format, fields, redact }: Config["accessLog"]): AccessFormat {
  const rules = { query: new RedactedNames(redact.query), headers: new RedactedNames(redact.headers) };
  if (format === "json") return jsonAccessFormat(fields, rules);
  const { parts, fault } = parseAccessTemplate(format);
  // The config's schema has read it before.
  if (fault !== undefined) throw new Error(`accessLog.format: ${fault.what}`);
  return templateAccessFormat(parts, rules);
}
