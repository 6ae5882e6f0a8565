/** `sluice worker`: a process that `sluice serve` starts for itself; nobody else calls it. */
import { processChannel, runWorker } from "../app/index.ts";
import { openStandardOutput } from "../telemetry/index.ts";
import { LAST_LINES_MS, LOG_BUFFER_BYTES } from "./own-log.ts";
import { productVersion } from "./product-version.ts";

/** Serves until the primary lets it go. */
export async function worker(): Promise<number> {
  const channel = processChannel();
  // Terminals and service managers signal every process; when it is time to go, the primary says.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  const output = openStandardOutput();
  try {
    return await runWorker(channel, productVersion(), {
      standardOutput: output,
      logLines: output.channel(LOG_BUFFER_BYTES),
    });
  } finally {
    await output.flush(LAST_LINES_MS);
  }
}
