/**
 * Resolves with the name of the next SIGTERM or SIGINT. Until it has, these do not end the process.
 */
export function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      process.off("SIGTERM", onSignal);
      process.off("SIGINT", onSignal);
      resolve(signal);
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}

/** Calls `handle` at every SIGHUP, which does not end the process from now on. */
export function onHangup(handle: () => void): void {
  process.on("SIGHUP", handle);
}
