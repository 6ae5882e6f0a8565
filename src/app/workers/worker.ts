/**
 * A worker: a gateway that gets config and schemas from the primary and does what that says, until it is let go. A primary
 * that dies takes it along: node:cluster ends a worker that loses its channel.
 */
import { type Config, configOf } from "../../config/index.ts";
import { formatProblem } from "../../status/index.ts";
import { createLogger } from "../../telemetry/index.ts";
import { Application } from "../application.ts";
import { type Builtins, builtins } from "../builtins.ts";
import { HandedSchemas } from "./handed-source.ts";
import { type FromWorker, readOrder, type StartOrder, type Topic } from "./messages.ts";

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

/**
 * Serves as the primary says. Resolves with the exit code: 0 once drained, 1 if it could not start, which the primary has
 * been told. Upstreams see `version`.
 */
export function runWorker(channel: PrimaryChannel, version: string): Promise<number> {
  return new Worker(channel, version).run();
}

class Worker {
  readonly #channel: PrimaryChannel;
  readonly #version: string;
  readonly #schemas = new HandedSchemas();
  #application: Application | undefined;
  #exit: (code: number) => void = () => {};

  constructor(channel: PrimaryChannel, version: string) {
    this.#channel = channel;
    this.#version = version;
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
      case "schema":
        this.#schemas.hand(order.upstream, order.descriptorSet);
        return;
      case "ask":
        void this.#answer(order.id, order.about);
        return;
      case "drain":
        void this.#application?.drain().then(() => this.#exit(0));
        return;
      default:
        order satisfies never;
    }
  }

  async #start(order: StartOrder): Promise<void> {
    try {
      const { config, problems } = await configOf(order.origin, process.env);
      // The primary has read the same.
      if (config === undefined) throw new Error(problems.map(formatProblem).join("\n"));
      for (const { upstream, descriptorSet } of order.schemas) this.#schemas.hand(upstream, descriptorSet);
      const following = followingConfig(config, order);
      const log = createLogger(config.log.level, undefined, { worker: order.worker });
      this.#application = await Application.start(following, this.#builtins(following), log);
      await this.#channel.send({ kind: "serving", listening: this.#application.listening });
    } catch (error) {
      await this.#channel.send({
        kind: "failed",
        why: error instanceof Error ? error.message : String(error),
      });
      this.#exit(1);
    }
  }

  #builtins(config: Config): Builtins {
    const all = builtins(config, this.#version, "shared");
    return { ...all, sources: ({ name }) => [this.#schemas.of(name)] };
  }

  async #answer(id: number, about: Topic): Promise<void> {
    const application = this.#application;
    if (application === undefined) {
      await this.#channel.send({ kind: "answer", id, about, ready: false, text: "" });
      return;
    }
    const { ready, detail } = application.readiness;
    const text = about === "metrics" ? await application.metrics() : detail;
    await this.#channel.send({ kind: "answer", id, about, ready, text });
  }
}

/** The config for a process that is led: what the primary does is left out. */
function followingConfig(config: Config, { addresses }: StartOrder): Config {
  return {
    ...config,
    listeners: config.listeners.map((listener, i) => ({
      ...listener,
      address: addresses[i] ?? listener.address,
    })),
    admin: { ...config.admin, enabled: false },
    strict: false,
    shutdown: { ...config.shutdown, readinessDelayMs: 0 },
  };
}
