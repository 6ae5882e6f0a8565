/** `sluice serve`: the gateway itself, in one process or several. */
import { availableParallelism } from "node:os";
import {
  Application,
  builtins,
  clusterProcesses,
  type Listening,
  Primary,
  StartError,
} from "../app/index.ts";
import type { Config, ConfigDocument } from "../config/index.ts";
import { formatAddress, type ListenAddress } from "../http/index.ts";
import { formatProblem } from "../status/index.ts";
import { createLogger, type LineBuffer, type Logger, openStandardOutput } from "../telemetry/index.ts";
import {
  type ConfigOptions,
  configFilesOf,
  configReader,
  type LoadedConfig,
  printProblems,
} from "./load-config.ts";
import { LAST_LINES_MS, LOG_BUFFER_BYTES } from "./own-log.ts";
import { productVersion } from "./product-version.ts";
import { nextSignal, onHangup } from "./signals.ts";

/** A gateway that serves, however many processes it is. */
interface Serving {
  readonly listening: readonly Listening[];
  readonly adminAddress: ListenAddress | undefined;
  reopenLogs(): Promise<void>;
  reload(cause: "signal"): Promise<unknown>;
  drain(): Promise<void>;
}

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
  const read = configReader(options);
  const { config, document, problems } = await read();
  const hasFailed = config === undefined || (config.strict && problems.length > 0);
  if (hasFailed) {
    printProblems(problems, process.stderr);
    return 1;
  }
  const log = createLogger(config.log.level, output.channel(LOG_BUFFER_BYTES));
  for (const problem of problems) log.error({ problem: formatProblem(problem) }, "problem");
  const signal = nextSignal();
  let application: Serving;
  try {
    const starting = start({ files: configFilesOf(document), read }, config, document, log, output);
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
  // In the order of the config.
  for (const [index, { address, engine }] of application.listening.entries()) {
    const name = config.listeners[index]?.name;
    log.info({ ...named(name), address: formatAddress(address), engine }, "listening");
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
async function hangUp(running: Serving): Promise<void> {
  await running.reopenLogs();
  await running.reload("signal");
}

function start(
  origin: { readonly files: ReadonlyMap<string, Uint8Array>; readonly read: () => Promise<LoadedConfig> },
  config: Config,
  document: ConfigDocument,
  log: Logger,
  output: LineBuffer,
): Promise<Serving> {
  const adapters = builtins(config, productVersion(), { standardOutput: () => output });
  const count = config.workers === "auto" ? availableParallelism() : config.workers;
  const [, program] = process.argv;
  // Node gives every script its own name; without it there is nothing to start another process of.
  if (count === 1 || program === undefined) return Application.start(config, adapters, log, origin);
  const startProcess = clusterProcesses(program, ["worker"]);
  return Primary.start({ ...origin, config, document, builtins: adapters, log, count, startProcess });
}

/** A listener without a name is known by its address. */
function named(listener: string | undefined): { readonly listener?: string } {
  return listener === undefined ? {} : { listener };
}
