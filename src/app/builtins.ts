/**
 * Every engine, client, codec, policy and schema source, by name: the only place besides tests that knows the adapters.
 */
import type { Registry } from "@bufbuild/protobuf";
import {
  type Config,
  type CorsConfig,
  type FilePath,
  type ListenerConfig,
  needsOfNode,
  type UpstreamConfig,
} from "../config/index.ts";
import { listenerName } from "../control/index.ts";
import { createNodeHttpEngine } from "../http/engines/node-http/index.ts";
import { loadUwsEngine, type PortSharing } from "../http/engines/uws/index.ts";
import { compileOrigins, type HttpEngine } from "../http/index.ts";
import { CorsPolicy } from "../policy/cors/index.ts";
import type { PreflightPolicy } from "../policy/index.ts";
import { ContentCodings, type ErrorRenderer } from "../protocol/index.ts";
import { WebSocketProtocol } from "../protocol/websocket/index.ts";
import type { SchemaSource } from "../schema/index.ts";
import { DescriptorFileSource } from "../schema/sources/descriptor-file/index.ts";
import { type NamedPath, ProtoFilesSource } from "../schema/sources/proto-files/index.ts";
import { ReflectionSource } from "../schema/sources/reflection/index.ts";
import { type LineBuffer, type Logger, openStandardOutput } from "../telemetry/index.ts";
import { createCompiledFactory, type TranscoderFactory } from "../transcode/index.ts";
import { createHttp2Client } from "../upstream/clients/http2/index.ts";
import type { Channel, ChannelFactory } from "../upstream/index.ts";
import { type OpenedAccessLog, openAccessLog } from "./access-log.ts";
import { createErrorRenderer } from "./error-renderer.ts";
import { placedSource } from "./placed-source.ts";
import { openTracing, type Tracing } from "./tracing.ts";

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
  readonly cors: (options: CorsConfig) => PreflightPolicy | undefined;
  webSocket(options: ListenerConfig): WebSocketProtocol | undefined;
  /** Undefined where tracing is off; its exporter is loaded when it is on. */
  tracing(config: Pick<Config, "tracing">, log: Logger): Promise<Tracing | undefined>;
  /**
   * Undefined where there is none.
   * @throws {Error} (rejects) if its file cannot be opened, with the path.
   */
  accessLog(config: Pick<Config, "accessLog">, log: Logger): Promise<OpenedAccessLog | undefined>;
  readonly errorRenderer: (registry: Registry) => ErrorRenderer;
  readonly contentCodings: ContentCodings;
}

/** What adapters need to know of the process. */
export interface ProcessOptions {
  /** Whether others of its kind listen on the same ports; not unless given. */
  readonly sharing?: PortSharing;
  /** Where the access log goes unless a file is named. */
  readonly standardOutput?: () => LineBuffer;
}

/**
 * The adapters of this build, for a process that serves `config`. Upstreams see `version` as part of the user agent.
 */
export function builtins(
  config: Pick<Config, "listeners">,
  version: string,
  { sharing = "exclusive", standardOutput = openStandardOutput }: ProcessOptions = {},
): Builtins {
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
    engine: (listener, log) => chooseEngine(listener, maxHeaderBytes, sharing, log),
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
      ...(schema.protos.length === 0
        ? []
        : [
            placedSource(
              new ProtoFilesSource({
                paths: schema.protos.map(namedPath),
                importPaths: schema.importPaths.map(namedPath),
              }),
              locate(["upstreams", name, "schema", "protos"]),
            ),
          ]),
    ],
    cors: (options) => (options.enabled ? new CorsPolicy(options) : undefined),
    webSocket: (options) => (options.webSocket.enabled ? webSocketOf(options) : undefined),
    accessLog: (options, log) => openAccessLog(options, standardOutput, log),
    tracing: (options, log) => openTracing(options, version, log),
    errorRenderer: createErrorRenderer,
    contentCodings: new ContentCodings(),
  };
}

function namedPath({ resolved, text }: FilePath): NamedPath {
  return { path: resolved, shown: text };
}

function webSocketOf({ webSocket, trustedHops }: ListenerConfig): WebSocketProtocol {
  const allowsOrigin = compileOrigins(webSocket.origins);
  const { credentials, pingIntervalMs, maxMessageBytes } = webSocket;
  return new WebSocketProtocol({ allowsOrigin, trustedHops, credentials, pingIntervalMs, maxMessageBytes });
}

function chooseEngine(
  listener: ListenerConfig,
  maxHeaderBytes: number,
  sharing: PortSharing,
  log: Logger,
): HttpEngine {
  const { engine: name } = listener;
  const about = { listener: listenerName(listener) };
  if (name === "node") return createNodeHttpEngine();
  // The config refuses `uws` for a listener that needs node.
  const [need] = needsOfNode(listener);
  if (need !== undefined) {
    const reason = `${need.path.join(".")}: ${need.why}`;
    log.info({ ...about, engine: "node", reason }, "HTTP engine: node:http, for what the listener asks for");
    return createNodeHttpEngine();
  }
  if (name === "auto" && sharing === "shared" && process.platform !== "linux") {
    log.info(
      { ...about, engine: "node" },
      "HTTP engine: node:http, since only Linux spreads connections over shared ports",
    );
    return createNodeHttpEngine();
  }
  const load = loadUwsEngine(maxHeaderBytes, sharing);
  if (load.engine !== undefined) {
    log.info({ ...about, engine: "uws", version: load.version }, "HTTP engine: uWebSockets.js");
    return load.engine;
  }
  if (name === "uws") {
    const what = `engine uws: no uWebSockets.js addon loads: ${load.reason}`;
    throw new Error(`${what} (engine: auto or node serves without it)`);
  }
  log.warn(
    { ...about, engine: "node", reason: load.reason },
    "HTTP engine: node:http, since no uWebSockets.js addon loads",
  );
  return createNodeHttpEngine();
}
