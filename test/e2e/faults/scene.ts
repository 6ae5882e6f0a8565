/** A gateway process, upstream processes behind it, and load: what every fault test begins with and clears away. */
import { type GatewayProcess, startGateway } from "../../support/gateway-process.ts";
import { descriptorPath } from "../../support/gateway-suite.ts";
import { Moments } from "../../support/moments.ts";
import { UpstreamProcess } from "../../support/upstream-process.ts";
import type { UpstreamProgramOptions } from "../../support/upstream-program.ts";
import { Load } from "./load.ts";

/** More rounds in `npm run test:faults`; 1 in `npm test`. */
export const ROUNDS: number = Number(process.env.SLUICE_FAULT_ROUNDS ?? "1");

/** Whether the variants run that `npm test` leaves out for their time. */
export const IS_WHOLE: boolean = ROUNDS > 1;

/** Both clients. */
export const CLIENTS: readonly ["http2", "grpc-js"] = ["http2", "grpc-js"];

/** What a test has. */
export class Scene {
  /** Every upstream that there was, also those that have ended. */
  readonly upstreams: UpstreamProcess[] = [];
  readonly moments: Moments = new Moments();
  readonly #closers: (() => Promise<void> | void)[] = [];
  #gateway: GatewayProcess | undefined;
  #load: Load | undefined;

  /** Runs `use` and clears away, whatever happens. */
  static async run(use: (scene: Scene) => Promise<void>): Promise<void> {
    const scene = new Scene();
    try {
      await use(scene);
    } finally {
      await scene.#close();
    }
  }

  get load(): Load {
    if (this.#load === undefined) throw new Error("no gateway has been started");
    return this.#load;
  }

  get gateway(): GatewayProcess {
    if (this.#gateway === undefined) throw new Error("no gateway has been started");
    return this.#gateway;
  }

  /** Resolves once `holds`; looks again at every outcome and every line of a journal. */
  until(holds: () => boolean): Promise<void> {
    return this.moments.until(holds);
  }

  /** How many calls with an id of this beginning have begun, on all upstreams together. */
  begun(prefix: string): number {
    let begun = 0;
    for (const { journal } of this.upstreams) {
      for (const { event, id } of journal) if (event === "begin" && id.startsWith(prefix)) begun++;
    }
    return begun;
  }

  /** Starts an upstream. */
  async upstream(options: Partial<UpstreamProgramOptions> = {}): Promise<UpstreamProcess> {
    const upstream = await UpstreamProcess.start(options, this.moments);
    this.upstreams.push(upstream);
    return upstream;
  }

  /** Starts `count` upstreams. */
  replicas(count: number): Promise<UpstreamProcess[]> {
    return Promise.all(Array.from({ length: count }, () => this.upstream()));
  }

  /** Starts the gateway; `options` are those of the upstream, besides addresses and schema. */
  async start(
    addresses: readonly string[],
    options: Readonly<Record<string, unknown>> = {},
    environment: NodeJS.ProcessEnv = {},
  ): Promise<Load> {
    const echo = {
      address: addresses,
      schema: { descriptors: [descriptorPath()] },
      json: { emitDefaults: false },
      deadline: "10s",
      ...options,
    };
    this.#gateway = await startGateway({ upstreams: { echo }, accessLog: { enabled: false } }, environment);
    this.#load = new Load(this.#gateway.url(), this.moments);
    return this.#load;
  }

  /** `close` is called at the end. */
  onClose(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  async #close(): Promise<void> {
    this.#load?.close();
    await this.#gateway?.stop("SIGKILL");
    await Promise.all(this.upstreams.map((upstream) => upstream.kill()));
    for (const close of this.#closers) await close();
  }
}
