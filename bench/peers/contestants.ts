/** Who takes part in `npm run bench:peers`: how each is made ready and started, and in which version. */
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ServerProcess } from "../server-process.ts";
import { startSluice } from "../sluice-process.ts";
import type { BareReplies } from "./bare-server.ts";
import { type GoBuild, goModuleVersion } from "./build-go.ts";
import { ENVOY_VERSION, installEnvoy, startEnvoy } from "./envoy.ts";

/** One that can be measured. */
export interface Contestant {
  readonly name: string;
  readonly version: string;
  start(upstreamPort: number): Promise<ServerProcess>;
}

/** One that cannot, and why. */
export interface Missing {
  readonly name: string;
  readonly reason: string;
}

/** What a contestant may need before it starts. */
export interface Preparation {
  readonly go: GoBuild;
}

/** The contestant that all others are compared with. */
export const OWN_NAME = "sluice";
/** Serves kept bytes; see {@link bareServer}. */
export const BARE_NAME = "bare-uws";

const GO_PEERS = [
  { name: "grpc-gateway", module: "github.com/grpc-ecosystem/grpc-gateway/v2" },
  { name: "vanguard", module: "connectrpc.com/vanguard" },
  { name: "kratos", module: "github.com/go-kratos/kratos/v3" },
] as const;

/** All names that `--peers` takes. */
export const CONTESTANT_NAMES: readonly string[] = [
  OWN_NAME,
  "sluice-workers",
  "sluice-grpc-js",
  BARE_NAME,
  "envoy",
  ...GO_PEERS.map(({ name }) => name),
];

/** Makes the contestant of a name ready. {@link BARE_NAME} has a function of its own. */
export async function prepareContestant(name: string, { go }: Preparation): Promise<Contestant | Missing> {
  switch (name) {
    case OWN_NAME:
      return {
        name,
        version: "dist/",
        start: (port) => startSluice({ engine: "uws", client: "http2" }, port),
      };
    case "sluice-workers":
      return {
        name,
        version: "dist/, workers: auto",
        start: (port) => startSluice({ engine: "uws", client: "http2", config: { workers: "auto" } }, port),
      };
    case "sluice-grpc-js":
      return {
        name,
        version: "dist/, client: grpc-js",
        start: (port) => startSluice({ engine: "uws", client: "grpc-js" }, port),
      };
    case "envoy": {
      const reason = await installEnvoy();
      return reason === undefined ? { name, version: ENVOY_VERSION, start: startEnvoy } : { name, reason };
    }
    default:
      return await prepareGoPeer(name, go);
  }
}

/** The bare handler, on the addon that the gateway uses, with the replies that the gateway gave. */
export async function bareServer(replies: BareReplies): Promise<Contestant> {
  const file = resolve(".cache/peers/bare-replies.json");
  await writeFile(file, JSON.stringify(replies));
  const program = fileURLToPath(new URL("./bare-server.js", import.meta.url));
  return {
    name: BARE_NAME,
    version: "the same addon",
    start: () => ServerProcess.start(process.execPath, (port) => [program, String(port), file]),
  };
}

async function prepareGoPeer(name: string, go: GoBuild): Promise<Contestant | Missing> {
  const peer = GO_PEERS.find((candidate) => candidate.name === name);
  if (peer === undefined) throw new Error(`${name} is none of ${CONTESTANT_NAMES.join(", ")}`);
  if (go.folder === undefined) return { name, reason: go.reason };
  const program = join(go.folder, name);
  return {
    name,
    version: `${await goModuleVersion(peer.module)}, ${go.version}`,
    start: (upstreamPort) =>
      ServerProcess.start(program, (port) => [
        "-listen",
        `127.0.0.1:${port}`,
        "-upstream",
        `127.0.0.1:${upstreamPort}`,
      ]),
  };
}
