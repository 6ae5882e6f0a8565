/**
 * A worker: a gateway that gets config and schemas from the primary and does what that says, until it is let go. A primary
 * that dies takes it along: node:cluster ends a worker that loses its channel.
 */
import { type Config, type ConfigDocument, type ConfigResult, documentReader } from "../../config/index.ts";
import type { ListenAddress } from "../../http/index.ts";
import { formatProblem } from "../../status/index.ts";
import { createLogger, type LineBuffer, type LineChannel, type Logger } from "../../telemetry/index.ts";
import { Application } from "../application.ts";
import { type Builtins, builtins } from "../builtins.ts";
import { HandedSchemas } from "./handed-source.ts";
import { type FromWorker, readOrder, type StartOrder, type Topic } from "./messages.ts";
import { followingConfig, formsOf } from "./roles.ts";

/** The channel to the primary. */
export interface PrimaryChannel {
  /** Resolves when it is on its way, or never will be. */
  send(report: FromWorker): Promise<void>;
  /** Calls `take` with every message from now on. */
  onMessage(take: (message: unknown) => void): void;
}

/** This process's channel. @throws {Error} if no primary has started it. */
export function processChannel(): PrimaryChannel {
  if (process.send === undefined) throw new Error("only a gateway with `workers` starts this command");
  return {
    // What cannot be sent goes to a primary that is gone, which ends this process.
    send: (report) =>
      new Promise((resolve) => void process.send?.(report, undefined, undefined, () => resolve())),
    onMessage: (take) => void process.on("message", take),
  };
}

/** Where a worker writes, without ever waiting: its reader may be slow, or gone. */
export interface WorkerOutput {
  /** For the access log, unless a file is named. */
  readonly standardOutput: LineBuffer;
  /** For the worker's own log. */
  readonly logLines: LineChannel;
}

/**
 * Serves as the primary says. Resolves with the exit code: 0 once drained, 1 if it could not start, which the primary has
 * been told. Upstreams see `version`.
 */
export function runWorker(channel: PrimaryChannel, version: string, output: WorkerOutput): Promise<number> {
  return new Worker(channel, version, output).run();
}

class Worker {
  readonly #channel: PrimaryChannel;
  readonly #version: string;
  readonly #output: WorkerOutput;
  readonly #schemas = new HandedSchemas();
  #document: ConfigDocument | undefined;
  /** How many schemas had come when `#document` came. */
  #handedBefore = 0;
  #readDocument: () => Promise<ConfigResult> = async () => ({ config: undefined, problems: [] });
  #addresses: readonly ListenAddress[] = [];
  /** The primary's names for the upstreams of the config that was read last. */
  #forms: ReadonlyMap<string, string> = new Map();
  #application: Application | undefined;
  #log: Logger | undefined;
  #exit: (code: number) => void = () => {};

  constructor(channel: PrimaryChannel, version: string, output: WorkerOutput) {
    this.#channel = channel;
    this.#version = version;
    this.#output = output;
  }

  run(): Promise<number> {
    return new Promise((resolve) => {
      this.#exit = resolve;
      this.#channel.onMessage((message) => this.#take(message));
      // What came before this listener is lost: node:cluster has one of its own, which keeps nothing.
      void this.#channel.send({ kind: "hello" });
    });
  }

  #take(message: unknown): void {
    const order = readOrder(message);
    switch (order.kind) {
      case "start":
        void this.#start(order);
        return;
      case "schemas":
        for (const schema of order.schemas) this.#schemas.hand(schema);
        void this.#application?.look();
        return;
      case "config":
        this.#document = order.document;
        this.#handedBefore = this.#schemas.handed;
        void this.#application?.reload("primary");
        return;
      case "reopenLogs":
        void this.#application?.reopenLogs();
        return;
      case "logLevel":
        if (this.#log !== undefined) this.#log.level = order.level;
        return;
      case "ask":
        void this.#answer(order.id, order.about);
        return;
      case "drain":
        // One that has not served yet has nothing to end.
        void (this.#application?.drain() ?? Promise.resolve()).then(() => this.#exit(0));
        return;
      default:
        order satisfies never;
    }
  }

  async #start({ worker, document, addresses, schemas, logLevel }: StartOrder): Promise<void> {
    try {
      // Before anything is awaited: another level may be ordered meanwhile.
      const log = createLogger(logLevel, this.#output.logLines, { worker });
      this.#log = log;
      this.#document = document;
      this.#readDocument = documentReader(() => this.#document ?? document, process.env);
      this.#addresses = addresses;
      for (const schema of schemas) this.#schemas.hand(schema);
      this.#handedBefore = this.#schemas.handed;
      const { config, problems } = await this.#read();
      // The primary has read the same.
      if (config === undefined) throw new Error(problems.map(formatProblem).join("\n"));
      const origin = { files: new Map(), read: () => this.#read() };
      this.#application = await Application.start(config, this.#builtins(config), log, origin);
      // One that came meanwhile found nobody to take it up. (Schemas are looked for every few seconds.)
      if (this.#document !== document) void this.#application.reload("primary");
      await this.#channel.send({ kind: "serving", listening: this.#application.listening });
    } catch (error) {
      await this.#channel.send({
        kind: "failed",
        why: error instanceof Error ? error.message : String(error),
      });
      this.#exit(1);
    }
  }

  /** The config that the primary has handed over last, as it is for this process. */
  async #read(): Promise<ConfigResult> {
    const handedBefore = this.#handedBefore;
    const { config, problems } = await this.#readDocument();
    if (config === undefined) return { config, problems };
    this.#forms = formsOf(config);
    this.#schemas.keep(new Set(this.#forms.keys()), handedBefore);
    return { config: followingConfig(config, this.#addresses), problems };
  }

  #builtins(config: Config): Builtins {
    const all = builtins(config, this.#version, {
      sharing: "shared",
      standardOutput: () => this.#output.standardOutput,
    });
    return { ...all, sources: ({ name }) => [this.#schemas.of(name, this.#forms.get(name) ?? "")] };
  }

  async #answer(id: number, about: Topic): Promise<void> {
    const application = this.#application;
    if (application === undefined) {
      await this.#channel.send({ kind: "answer", id, about, ready: false, text: "" });
      return;
    }
    const { ready, detail } = application.readiness;
    const say = {
      metrics: () => application.metrics(),
      readiness: () => detail,
      upstreams: () => JSON.stringify(application.upstreams),
    };
    const text = await say[about]();
    await this.#channel.send({ kind: "answer", id, about, ready, text });
  }
}
