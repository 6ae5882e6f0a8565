/**
 * Engines under test, and handlers for them.
 */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { createNodeHttpEngine } from "../../src/http/engines/node-http/index.ts";
import { loadUwsEngine } from "../../src/http/engines/uws/index.ts";
import type {
  BodyListener,
  EngineLimits,
  ExchangeHandler,
  HttpEngine,
  HttpExchange,
  HttpListener,
  ListenAddress,
  ListenOptions,
  RefusalListener,
} from "../../src/http/index.ts";
import { portOf, TEST_LIMITS } from "./listening.ts";
import { RawHttpClient } from "./raw-http.ts";
import type { Transport } from "./transports.ts";

export { portOf, TEST_LIMITS } from "./listening.ts";

/** A connection that is not closed, or a reply that never comes, fails the suite instead of hanging it. */
const HANG = { timeout: 120_000 };

/**
 * Runs the cases against every engine; one that cannot run here is skipped with the reason. With `transports` they also run
 * over these.
 */
export function describeEngines(
  title: string,
  cases: (engine: HttpEngine) => void,
  transports: readonly Transport[] = [],
): void {
  const over = (engine: HttpEngine): void => {
    for (const transport of transports) {
      if (!transport.engines.some((name) => name === engine.name)) continue;
      const transported = new TransportedEngine(engine, transport);
      describe(`${engine.name}, ${transport.name}: ${title}`, HANG, () => cases(transported));
    }
  };
  const node = createNodeHttpEngine();
  over(node);
  describe(`${node.name}: ${title}`, HANG, () => cases(node));
  const load = loadUwsEngine(TEST_LIMITS.maxHeaderBytes);
  if (load.engine === undefined) {
    describe(`uws: ${title}`, { skip: `no addon: ${load.reason}` });
    return;
  }
  const { engine } = load;
  over(engine);
  describe(`${engine.name}: ${title}`, HANG, () => cases(engine));
}

/** An engine as it is reached over a transport. */
class TransportedEngine implements HttpEngine {
  readonly name: string;
  readonly transport: Transport;
  readonly #engine: HttpEngine;

  constructor(engine: HttpEngine, transport: Transport) {
    this.name = engine.name;
    this.transport = transport;
    this.#engine = engine;
  }

  listen(address: ListenAddress, options: ListenOptions, handler: ExchangeHandler): Promise<HttpListener> {
    return this.#engine.listen(address, { ...options, ...this.transport.options }, handler);
  }
}

/** A running listener and the clients that a test opened on it. */
export class RawHttpServer {
  readonly listener: HttpListener;
  readonly #transport: Transport | undefined;
  readonly #clients: RawHttpClient[] = [];

  constructor(listener: HttpListener, transport?: Transport) {
    this.listener = listener;
    this.#transport = transport;
  }

  async connect(): Promise<RawHttpClient> {
    const port = portOf(this.listener);
    const client =
      this.#transport === undefined
        ? await RawHttpClient.connect(port)
        : new RawHttpClient(await this.#transport.open(port));
    this.#clients.push(client);
    return client;
  }

  stop(): void {
    for (const client of this.#clients) client.close();
    this.listener.close();
  }
}

/** Runs `body` with a listener on a free port, and closes everything after it. */
export async function withServer(
  engine: HttpEngine,
  handler: ExchangeHandler,
  body: (server: RawHttpServer) => Promise<void>,
  limits: EngineLimits = TEST_LIMITS,
  onRefused?: RefusalListener,
): Promise<void> {
  const address = { host: "127.0.0.1", port: 0 };
  const listener = await engine.listen(address, { limits, onRefused }, handler);
  const transport = engine instanceof TransportedEngine ? engine.transport : undefined;
  const server = new RawHttpServer(listener, transport);
  try {
    await body(server);
  } finally {
    server.stop();
  }
}

/** What the echo handler tells about a request. */
export interface Echo {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: readonly string[];
  readonly body: string;
}

/** Answers with the request as JSON, or 413, once the body is there. Body text is Latin-1. */
export function echoHandler(limitBytes: number = 16 * 1024 * 1024): ExchangeHandler {
  return (exchange) => {
    collectBody(exchange, limitBytes, (body) => {
      if (body === undefined) {
        exchange.respond(413, ["content-type", "text/plain", "connection", "close"], "too large");
        return;
      }
      const { method, path, query, headers } = exchange;
      const echo: Echo = { method, path, query, headers, body: body.toString("latin1") };
      exchange.respond(200, ["content-type", "application/json"], JSON.stringify(echo));
    });
  };
}

/** Collects the body; undefined if it is too large. */
export function collectBody(
  exchange: HttpExchange,
  limitBytes: number,
  done: (body: Buffer | undefined) => void,
): void {
  const chunks: Uint8Array[] = [];
  let calls = 0;
  const once = (): void => {
    calls += 1;
    assert.equal(calls, 1, "exactly one of onEnd and onTooLarge");
  };
  const listener: BodyListener = {
    onChunk(chunk) {
      assert.equal(calls, 0, "no chunk after the end");
      chunks.push(chunk);
    },
    onEnd() {
      once();
      done(Buffer.concat(chunks));
    },
    onTooLarge() {
      once();
      done(undefined);
    },
  };
  exchange.readBody(limitBytes, listener);
}

/** The echo of a reply's body. */
export function parseEcho(body: Buffer): Echo {
  // Only the echo handler's replies are parsed with this.
  return JSON.parse(body.toString("utf8")) as Echo;
}

/** A promise and the function that settles it, for events that a test waits for. */
export function signal<T = void>(): { readonly promise: Promise<T>; readonly fire: (value: T) => void } {
  let fire: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    fire = resolve;
  });
  return { promise, fire };
}
