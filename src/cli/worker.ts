/** `sluice worker`: a process that `sluice serve` starts for itself; nobody else calls it. */
import { processChannel, runWorker } from "../app/index.ts";
import { productVersion } from "./product-version.ts";

/** Serves until the primary lets it go. */
export async function worker(): Promise<number> {
  const channel = processChannel();
  // Terminals and service managers signal every process; when it is time to go, the primary says.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  return await runWorker(channel, productVersion());
}
