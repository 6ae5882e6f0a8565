/**
 * `npm run bench:peers`: the gateway and its peers side by side, over the same upstream, in one run (Linux: it reads
 * /proc). bench/peers/README.md says who the peers are, docs/benchmarks.md what is measured.
 *
 * All contestants of a round run at once, and take turns at each workload, so that whatever else the machine does is
 * unkind to all alike. Progress goes to standard error, tables to standard output.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { findWrk } from "../load/wrk.ts";
import { inAll, rssMb } from "../process-figures.ts";
import type { ServerProcess } from "../server-process.ts";
import type { BareReplies } from "./bare-server.ts";
import { buildGo } from "./build-go.ts";
import { differenceFrom, fetchReply, type Reply } from "./check-reply.ts";
import {
  BARE_NAME,
  bareServer,
  type Contestant,
  type Missing,
  OWN_NAME,
  prepareContestant,
} from "./contestants.ts";
import { judge } from "./goals.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { printIdle, printVerdicts, printWorkload } from "./report.ts";
import { Results } from "./results.ts";
import { startUpstream, type Upstream } from "./upstream.ts";
import type { Workload } from "./workloads.ts";

const FOLDER = ".cache/peers";
/** Until what a server does after its start is over. */
const SETTLE_MS = 1500;

class Comparison {
  readonly #options: Options;
  readonly #upstream: Upstream;
  readonly #contestants: Contestant[] = [];
  readonly #missing: Missing[] = [];
  readonly results: Results = new Results();

  constructor(options: Options, upstream: Upstream) {
    this.#options = options;
    this.#upstream = upstream;
  }

  get names(): readonly string[] {
    return this.#contestants.map(({ name }) => name);
  }

  get versions(): readonly string[] {
    return this.#contestants.map(({ name, version }) => `${name} ${version}`);
  }

  get missing(): readonly Missing[] {
    return this.#missing;
  }

  /** Makes all ready and compares their replies with the gateway's; what a contestant cannot do, it is not sent. */
  async prepare(goBuild: Awaited<ReturnType<typeof buildGo>>): Promise<void> {
    const references = await this.#recordReplies(goBuild);
    for (const name of this.#options.contestants) {
      progress(`making ${name} ready`);
      const contestant =
        name === BARE_NAME
          ? await bareServer(bareReplies(references))
          : await prepareContestant(name, { go: goBuild });
      if ("reason" in contestant) this.#missing.push(contestant);
      else if (await this.#check(contestant, references)) this.#contestants.push(contestant);
    }
  }

  async runRound(round: number, measureOptions: MeasureOptions): Promise<void> {
    const servers = new Map<string, ServerProcess>();
    try {
      for (const contestant of this.#contestants) {
        servers.set(contestant.name, await contestant.start(this.#upstream.port));
      }
      await new Promise((settled) => setTimeout(settled, SETTLE_MS));
      for (const [name, { pid }] of servers) this.results.addIdle(name, inAll(pid, rssMb));
      for (const workload of this.#options.workloads) {
        if (workload.rounds === "first" && round > 1) continue;
        for (const [name, server] of servers) {
          if (this.results.failure(name, workload.name) !== undefined) continue;
          const text = await this.#measure(name, server, workload, measureOptions);
          progress(`round ${round}/${this.#options.rounds}, ${workload.title}, ${name}: ${text}`);
        }
      }
    } finally {
      for (const server of servers.values()) await server.stop();
    }
  }

  async #measure(
    name: string,
    server: ServerProcess,
    workload: Workload,
    options: MeasureOptions,
  ): Promise<string> {
    try {
      const sample = await measure(server, workload, options);
      this.results.add(name, workload.name, sample);
      return `${sample.cpuUs.toFixed(2)} µs`;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.results.fail(name, workload.name, `failed: ${reason}`);
      return reason;
    }
  }

  async #recordReplies(goBuild: Awaited<ReturnType<typeof buildGo>>): Promise<ReadonlyMap<Workload, Reply>> {
    const own = await prepareContestant(OWN_NAME, { go: goBuild });
    if ("reason" in own) throw new Error(own.reason);
    const server = await own.start(this.#upstream.port);
    try {
      const replies = new Map<Workload, Reply>();
      for (const workload of this.#options.workloads) {
        const reply = await fetchReply(server.port, workload.sample ?? workload);
        if (reply.status !== 200)
          throw new Error(`${workload.title}: ${reply.status} ${reply.body.toString()}`);
        replies.set(workload, reply);
      }
      return replies;
    } finally {
      await server.stop();
    }
  }

  async #check(contestant: Contestant, references: ReadonlyMap<Workload, Reply>): Promise<boolean> {
    let server: ServerProcess;
    try {
      server = await contestant.start(this.#upstream.port);
    } catch (error) {
      this.#missing.push({ name: contestant.name, reason: error instanceof Error ? error.message : "" });
      return false;
    }
    try {
      for (const [workload, reference] of references) {
        const isStream = workload.messages > 1;
        const difference =
          isStream && contestant.name === BARE_NAME
            ? "serves no streams"
            : await compare(server, workload.sample ?? workload, reference);
        if (difference !== undefined) this.results.fail(contestant.name, workload.name, difference);
      }
      return true;
    } finally {
      await server.stop();
    }
  }
}

async function compare(
  server: ServerProcess,
  workload: Workload,
  reference: Reply,
): Promise<string | undefined> {
  try {
    return differenceFrom(reference, await fetchReply(server.port, workload), workload);
  } catch (error) {
    return `answers nothing whole: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function bareReplies(references: ReadonlyMap<Workload, Reply>): BareReplies {
  return Object.fromEntries(
    [...references]
      .filter(([{ messages }]) => messages === 1)
      .map(([{ method, path }, { contentType, body }]) => [
        `${method} ${path}`,
        { contentType, body: body.toString("base64") },
      ]),
  );
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function writeBodies(workloads: readonly Workload[]): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const { name, body } of workloads) {
    if (body === undefined) continue;
    const file = resolve(FOLDER, `${name}.body`);
    await writeFile(file, body);
    files.set(name, file);
  }
  return files;
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(USAGE);
    return;
  }
  await mkdir(FOLDER, { recursive: true });
  progress("building the Go programs");
  const goBuild = await buildGo();
  const wrk = await findWrk();
  const upstream = await startUpstream(goBuild);
  const comparison = new Comparison(options, upstream);
  try {
    await comparison.prepare(goBuild);
    const bodyFiles = await writeBodies(options.workloads);
    for (let round = 1; round <= options.rounds; round++) {
      await comparison.runRound(round, { seconds: options.seconds, useWrk: wrk !== undefined, bodyFiles });
    }
  } finally {
    await upstream.stop();
  }
  const { results, names, versions, missing } = comparison;
  const machine = {
    date: new Date().toISOString().slice(0, 10),
    cpu: `${cpus().length} x ${cpus()[0]?.model.trim() ?? "unknown"}`,
    node: process.version,
    go:
      goBuild.folder === undefined
        ? goBuild.reason
        : `${goBuild.version}, GOMAXPROCS ${process.env.GOMAXPROCS ?? "by default"}`,
    upstream: upstream.title,
    load: wrk === undefined ? "own generator (wrk is not installed)" : `wrk ${wrk}, own generator`,
    contestants: versions,
  };
  for (const [key, value] of Object.entries(machine)) {
    console.log(`${`${key}:`.padEnd(14)}${typeof value === "string" ? value : value.join("; ")}`);
  }
  for (const { name, reason } of missing) console.log(`skipped: ${name}: ${reason}`);
  for (const workload of options.workloads) printWorkload(workload, names, results);
  printIdle(names, results);
  const verdicts = judge(results);
  printVerdicts(verdicts);
  if (options.jsonFile !== undefined) {
    await writeFile(options.jsonFile, JSON.stringify({ machine, missing, results, verdicts }, undefined, 2));
  }
}

// Children are ended by the exit handlers of their owners, which a signal alone would not run.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error("npm run bench:peers -- --help tells the options");
  process.exitCode = 1;
}
