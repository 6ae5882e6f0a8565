/** The gRPC server that all contestants call: in Go where Go is, on node:http2 otherwise. */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LIBRARY_REPLIES } from "../library-replies.ts";
import { forkNodeUpstream } from "../node-upstream.ts";
import { ServerProcess } from "../server-process.ts";
import type { GoBuild } from "./build-go.ts";

/** A server that runs. */
export interface Upstream {
  readonly title: string;
  readonly port: number;
  stop(): Promise<void>;
}

const REPLIES_FOLDER = resolve(".cache/peers/replies");

export async function startUpstream(go: GoBuild): Promise<Upstream> {
  if (go.folder === undefined) {
    const { child, port } = await forkNodeUpstream();
    return { title: "node:http2", port, stop: async () => void child.kill() };
  }
  await mkdir(REPLIES_FOLDER, { recursive: true });
  for (const [method, message] of LIBRARY_REPLIES) {
    await writeFile(join(REPLIES_FOLDER, `${method}.binpb`), message);
  }
  const server = await ServerProcess.start(join(go.folder, "upstream"), (port) => [
    "-listen",
    `127.0.0.1:${port}`,
    "-replies",
    REPLIES_FOLDER,
  ]);
  return { title: "grpc-go", port: server.port, stop: () => server.stop() };
}
