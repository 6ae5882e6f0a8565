/** `sluice serve`: the gateway itself. */
import { Application, builtins, StartError } from "../app/index.ts";
import { formatAddress } from "../http/index.ts";
import { formatProblem } from "../status/index.ts";
import { createLogger, type LineBuffer, openStandardOutput } from "../telemetry/index.ts";
import { type ConfigOptions, configFilesOf, loadConfigOf, printProblems } from "./load-config.ts";
import { productVersion } from "./product-version.ts";
import { nextSignal, onHangup } from "./signals.ts";

/** How much of its own log the gateway keeps for a reader of standard output that is slow; more than of the access log. */
const LOG_BUFFER_BYTES = 4 * 1024 * 1024;

/** How long a reader has for the last lines. */
const LAST_LINES_MS = 1000;

/** Serves until a signal comes, then drains. 1 if the start failed, or a second signal cut the drain short. */
export async function serve(options: ConfigOptions): Promise<number> {
  const output = openStandardOutput();
  try {
    return await serveWith(options, output);
  } finally {
    await output.flush(LAST_LINES_MS);
  }
}

async function serveWith(options: ConfigOptions, output: LineBuffer): Promise<number> {
  const { config, problems } = await loadConfigOf(options);
  const hasFailed = config === undefined || (config.strict && problems.length > 0);
  if (hasFailed) {
    printProblems(problems, process.stderr);
    return 1;
  }
  const log = createLogger(config.log.level, output.channel(LOG_BUFFER_BYTES));
  for (const problem of problems) log.error({ problem: formatProblem(problem) }, "problem");
  const signal = nextSignal();
  let application: Application;
  try {
    const origin = { files: configFilesOf(options), read: () => loadConfigOf(options) };
    const starting = Application.start(
      config,
      builtins(config, productVersion(), () => output),
      log,
      origin,
    );
    // One that comes before the start is over waits for it; a start that fails says so itself.
    onHangup(() => void starting.then(hangUp).catch(() => undefined));
    const started = await Promise.race([starting, signal]);
    if (typeof started === "string") {
      // Nobody has been told of the addresses yet, so there is nothing to drain.
      log.info({ signal: started }, "stopped before the start was complete");
      return 0;
    }
    application = started;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    const text = error instanceof StartError ? cause : `sluice: ${cause}`;
    process.stderr.write(`${text}\n`);
    return 1;
  }
  for (const { address, engine } of application.listening) {
    log.info({ address: formatAddress(address), engine }, "listening");
  }
  const { adminAddress } = application;
  if (adminAddress !== undefined) log.info({ address: formatAddress(adminAddress) }, "admin listening");
  log.info({ signal: await signal }, "stopping");
  const drained = application.drain().then(() => 0);
  const cutShort = nextSignal().then(() => 1);
  const exitCode = await Promise.race([drained, cutShort]);
  log.info({ exitCode }, "stopped");
  return exitCode;
}

/** What SIGHUP stands for: a file of the access log was moved away, or the config has changed. */
async function hangUp(application: Application): Promise<void> {
  await application.reopenLogs();
  await application.reload("signal");
}
