/**
 * Every engine, client, codec, policy and schema source, by name: the only place besides tests that knows the adapters.
 */
import type { Registry } from "@bufbuild/protobuf";
import {
  type Config,
  type CorsConfig,
  type ListenerConfig,
  needsOfNode,
  type UpstreamConfig,
} from "../config/index.ts";
import { createNodeHttpEngine } from "../http/engines/node-http/index.ts";
import { loadUwsEngine } from "../http/engines/uws/index.ts";
import { compileOrigins, type HttpEngine } from "../http/index.ts";
import { CorsPolicy } from "../policy/cors/index.ts";
import type { PreflightPolicy } from "../policy/index.ts";
import type { ErrorRenderer } from "../protocol/index.ts";
import { WebSocketProtocol } from "../protocol/websocket/index.ts";
import type { SchemaSource } from "../schema/index.ts";
import { DescriptorFileSource } from "../schema/sources/descriptor-file/index.ts";
import { ReflectionSource } from "../schema/sources/reflection/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { createCompiledFactory, type TranscoderFactory } from "../transcode/index.ts";
import { createHttp2Client } from "../upstream/clients/http2/index.ts";
import type { Channel, ChannelFactory } from "../upstream/index.ts";
import { createErrorRenderer } from "./error-renderer.ts";
import { placedSource } from "./placed-source.ts";

/** What the composition root chooses from. */
export interface Builtins {
  /** The gRPC client of that name, loaded when it is asked for: @grpc/grpc-js takes some 14 MB. */
  channels(name: UpstreamConfig["client"]): Promise<ChannelFactory>;
  readonly transcoders: TranscoderFactory;
  /** The engine of the admin listener. */
  readonly adminEngine: HttpEngine;
  /**
   * The engine of a listener; `auto` takes uWebSockets.js where its addon loads and can do all that the listener asks for,
   * and says in the log which it is.
   * @throws {Error} for `uws` where the addon does not load, with the reason.
   */
  engine(listener: ListenerConfig, log: Logger): HttpEngine;
  /** `locate` gives the place in the config of each source, for problems. */
  sources(upstream: UpstreamConfig, channel: Channel, locate: Config["locate"]): readonly SchemaSource[];
  cors(options: CorsConfig): PreflightPolicy | undefined;
  webSocket(options: ListenerConfig): WebSocketProtocol | undefined;
  readonly errorRenderer: (registry: Registry) => ErrorRenderer;
}

/** The adapters of this build, for a process that serves `config`. Upstreams see `version` as part of the user agent. */
export function builtins(config: Pick<Config, "listeners">, version: string): Builtins {
  const http2 = createHttp2Client(`sluice/${version}`);
  const maxHeaderBytes = Math.max(...config.listeners.map((listener) => listener.maxHeaderBytes));
  return {
    channels: async (name) => {
      if (name === "http2") return http2;
      const { grpcJs } = await import("../upstream/clients/grpc-js/index.ts");
      return grpcJs;
    },
    transcoders: createCompiledFactory(),
    adminEngine: createNodeHttpEngine(),
    engine: (listener, log) => chooseEngine(listener, maxHeaderBytes, log),
    sources: ({ name, schema, addresses }, channel, locate) => [
      ...(schema.reflection === undefined
        ? []
        : [
            new ReflectionSource({
              channel,
              address: addresses.map(({ address }) => address).join(", "),
              timeoutMs: schema.reflection.timeoutMs,
            }),
          ]),
      ...schema.descriptors.map((file, i) =>
        placedSource(
          new DescriptorFileSource(file.resolved, file.text),
          locate(["upstreams", name, "schema", "descriptors", i]),
        ),
      ),
    ],
    cors: (options) => (options.enabled ? new CorsPolicy(options) : undefined),
    webSocket: (options) => (options.webSocket.enabled ? webSocketOf(options) : undefined),
    errorRenderer: createErrorRenderer,
  };
}

/**
 * Pages that CORS names may open WebSockets, too. Not so "any page" of CORS: that never has a person's cookies, which a
 * handshake always carries.
 */
function webSocketOf({ webSocket, cors, trustedHops }: ListenerConfig): WebSocketProtocol {
  const fromCors = cors.enabled ? cors.origins.filter((origin) => origin !== "*") : [];
  const allowsOrigin = compileOrigins([...webSocket.origins, ...fromCors]);
  const { credentials, pingIntervalMs, maxMessageBytes } = webSocket;
  return new WebSocketProtocol({ allowsOrigin, trustedHops, credentials, pingIntervalMs, maxMessageBytes });
}

function chooseEngine(listener: ListenerConfig, maxHeaderBytes: number, log: Logger): HttpEngine {
  const { engine: name } = listener;
  if (name === "node") return createNodeHttpEngine();
  // The config refuses `uws` for a listener that needs node.
  const [need] = needsOfNode(listener);
  if (need !== undefined) {
    const reason = `${need.path.join(".")}: ${need.why}`;
    log.info({ engine: "node", reason }, "HTTP engine: node:http, for what the listener asks for");
    return createNodeHttpEngine();
  }
  const load = loadUwsEngine(maxHeaderBytes);
  if (load.engine !== undefined) {
    log.info({ engine: "uws", version: load.version }, "HTTP engine: uWebSockets.js");
    return load.engine;
  }
  if (name === "uws") throw new Error(`engine uws: no uWebSockets.js addon loads: ${load.reason}`);
  log.warn(
    { engine: "node", reason: load.reason },
    "HTTP engine: node:http, since no uWebSockets.js addon loads",
  );
  return createNodeHttpEngine();
}
