/**
 * A built gateway whose config file can be written again while it runs.
 */
import { rename, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { Applied } from "../../src/control/index.ts";
import { GatewayProcess, temporaryFiles } from "./gateway-process.ts";

/** What `POST /reload` and `POST /schema/confirm` answer. */
export interface ReloadAnswer {
  readonly status: number;
  readonly body: Pick<Applied, "result" | "revision" | "changes"> & { readonly problems: readonly string[] };
}

/** One entry of `GET /schema`, as far as tests look. */
export interface SchemaEntry {
  readonly upstream: string;
  readonly state: string;
  readonly digest?: string;
  readonly from?: string;
  readonly fault?: string;
  readonly held?: { readonly digest: string; readonly changes: readonly string[] };
  readonly lastChange?: { readonly changes: readonly string[] };
}

/** What the process knows of itself. */
export interface ProcessFigures {
  /** The longest turn of the event loop since the last time, by the processor time in it: what others take does not count. */
  readonly busyMs: number;
  /** What is kept after garbage was collected. */
  readonly heapBytes: number;
  /** What V8 has compiled of the program so far, which is part of that. */
  readonly codeBytes: number;
  readonly rssBytes: number;
}

/** Answers SIGUSR2 with the figures, as a line on standard error. */
const PROBE = `
  import { existsSync, readFileSync } from "node:fs";
  import { getHeapCodeStatistics, setFlagsFromString } from "node:v8";
  import { runInNewContext } from "node:vm";
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  // Of this thread alone where the system tells: those that compile and collect garbage keep nobody waiting.
  const path = "/proc/self/task/" + process.pid + "/schedstat";
  const cpuMs = existsSync(path)
    ? () => Number(readFileSync(path, "latin1").split(" ")[0]) / 1e6
    : () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
  let longest = 0, wall = performance.now(), cpu = cpuMs();
  const tick = () => {
    const spent = cpuMs(), now = performance.now();
    longest = Math.max(longest, Math.min(now - wall, spent - cpu));
    wall = now;
    cpu = spent;
  };
  setInterval(tick, 1).unref();
  process.on("SIGUSR2", () => {
    tick();
    const busyMs = longest;
    collect();
    const { heapUsed, rss } = process.memoryUsage();
    const { code_and_metadata_size: code, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics();
    const figures = { busyMs, heapBytes: heapUsed, codeBytes: code + bytecode, rssBytes: rss };
    process.stderr.write("probe " + JSON.stringify(figures) + "\\n");
    longest = 0;
    wall = performance.now();
    cpu = cpuMs();
  });`;

/** A gateway over a folder of files. */
export class LiveGateway {
  readonly gateway: GatewayProcess;
  readonly #files: Awaited<ReturnType<typeof temporaryFiles>>;

  private constructor(gateway: GatewayProcess, files: Awaited<ReturnType<typeof temporaryFiles>>) {
    this.gateway = gateway;
    this.#files = files;
  }

  /** Starts with a config (JSON is YAML) and further files in its folder. */
  static async start(
    config: Readonly<Record<string, unknown>>,
    more: Readonly<Record<string, string | Uint8Array>> = {},
  ): Promise<LiveGateway> {
    const files = await temporaryFiles({ ...more, "sluice.yaml": textOf(config) });
    try {
      const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(PROBE)}` };
      const gateway = await GatewayProcess.start(
        ["serve", "--config", files.path("sluice.yaml")],
        environment,
      );
      return new LiveGateway(gateway, files);
    } catch (error) {
      await files.remove();
      throw error;
    }
  }

  /** A file in the folder of the config. */
  path(name: string): string {
    return this.#files.path(name);
  }

  /** Writes another config, by rename, as editors and deployments do. */
  async write(config: Readonly<Record<string, unknown>> | string): Promise<void> {
    await this.replace("sluice.yaml", typeof config === "string" ? config : textOf(config));
  }

  /** Puts a file in the place of another, in one step. */
  async replace(name: string, content: string | Uint8Array): Promise<void> {
    await writeFile(this.path(`${name}.new`), content);
    await rename(this.path(`${name}.new`), this.path(name));
  }

  /** `POST /reload`. */
  reload(): Promise<ReloadAnswer> {
    return this.#post("/reload");
  }

  /** `POST /schema/confirm`. */
  confirm(upstream: string, digest: string): Promise<ReloadAnswer> {
    return this.#post(`/schema/confirm?upstream=${upstream}&digest=${digest}`);
  }

  /** The entry of one upstream in `GET /schema`. */
  async schema(upstream: string): Promise<SchemaEntry> {
    const reply = await fetch(`${this.gateway.adminUrl}/schema`);
    // docs/reloading.md: an object with the entries of all upstreams; tests assert what they read of them.
    const { upstreams } = (await reply.json()) as { readonly upstreams: readonly SchemaEntry[] };
    const entry = upstreams.find((each) => each.upstream === upstream);
    if (entry === undefined) throw new Error(`GET /schema has no upstream ${upstream}`);
    return entry;
  }

  /** The sum of a metric over the samples whose labels hold `label`. */
  async metric(name: string, label = ""): Promise<number> {
    const text = await (await fetch(`${this.gateway.adminUrl}/metrics`)).text();
    const samples = text
      .split("\n")
      .filter((line) => /^[{ ]/.test(line.slice(name.length)) && line.startsWith(name));
    return samples
      .filter((line) => line.includes(label))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  /** The figures of the process; garbage is collected for them, so that they are no figures of what follows. */
  async probe(): Promise<ProcessFigures> {
    const { length } = this.gateway.stderr;
    this.gateway.child.kill("SIGUSR2");
    const line = await this.until(
      async () => /^probe (.*)\n/m.exec(this.gateway.stderr.slice(length))?.[1],
      (found) => found !== undefined,
    );
    // PROBE writes it.
    return JSON.parse(line ?? "") as ProcessFigures;
  }

  /** Asks again and again until `fits`; rejects with the last answer after ten seconds. */
  async until<T>(ask: () => Promise<T>, fits: (answer: T) => boolean): Promise<T> {
    const giveUpAt = performance.now() + 10_000;
    for (;;) {
      const answer = await ask();
      if (fits(answer)) return answer;
      if (performance.now() > giveUpAt) throw new Error(`still ${JSON.stringify(answer)}`);
      await pause(50);
    }
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.#files.remove();
  }

  async #post(path: string): Promise<ReloadAnswer> {
    const reply = await fetch(`${this.gateway.adminUrl}${path}`, { method: "POST" });
    const text = await reply.text();
    if (reply.headers.get("content-type") !== "application/json") throw new Error(`${reply.status}: ${text}`);
    // docs/reloading.md: what both answer as JSON.
    return { status: reply.status, body: JSON.parse(text) as ReloadAnswer["body"] };
  }
}

function textOf(config: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    listeners: [{ address: "127.0.0.1:0" }],
    admin: { address: "127.0.0.1:0" },
    accessLog: { enabled: false },
    ...config,
  });
}
