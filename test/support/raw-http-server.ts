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
  RefusalListener,
} from "../../src/http/index.ts";
import { portOf, TEST_LIMITS } from "./listening.ts";
import { RawHttpClient } from "./raw-http.ts";

export { portOf, TEST_LIMITS } from "./listening.ts";

/** A connection that is not closed, or a reply that never comes, fails the suite instead of hanging it. */
const HANG = { timeout: 30_000 };

/** Runs the cases against every engine; one that cannot run here is skipped with the reason. */
export function describeEngines(title: string, cases: (engine: HttpEngine) => void): void {
  const node = createNodeHttpEngine();
  describe(`${node.name}: ${title}`, HANG, () => cases(node));
  const load = loadUwsEngine(TEST_LIMITS.maxHeaderBytes);
  if (load.engine === undefined) {
    describe(`uws: ${title}`, { skip: `no addon: ${load.reason}` });
    return;
  }
  const { engine } = load;
  describe(`${engine.name}: ${title}`, HANG, () => cases(engine));
}

/** A running listener and the clients that a test opened on it. */
export class RawHttpServer {
  readonly listener: HttpListener;
  readonly #clients: RawHttpClient[] = [];

  constructor(listener: HttpListener) {
    this.listener = listener;
  }

  async connect(): Promise<RawHttpClient> {
    const client = await RawHttpClient.connect(portOf(this.listener));
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
  const server = new RawHttpServer(await engine.listen(address, { limits, onRefused }, handler));
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
