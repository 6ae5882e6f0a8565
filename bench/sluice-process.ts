/** The built gateway, dist/main.js, as benchmarks run it: metrics on, access log off, the library's descriptor set. */
import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ServerProcess } from "./server-process.ts";

const ATTEMPTS = 200;
const RETRY_MS = 50;

/** Which of the gateway's adapters serve. */
export interface SluiceVariant {
  readonly engine: "uws" | "node";
  readonly client: "http2" | "grpc-js";
  /** Top-level keys of the config besides. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Another build to run, by the folder that its `dist` is in. */
  readonly build?: string;
}

/** Starts a gateway of so many workers in front of 127.0.0.1:`upstreamPort`. */
export async function startSluice(
  variant: SluiceVariant,
  upstreamPort: number,
  workers: number = 1,
): Promise<ServerProcess> {
  const file = join(tmpdir(), `sluice-bench-${randomUUID()}.yaml`);
  const config = (port: number): unknown => ({
    workers,
    listeners: [{ address: `127.0.0.1:${port}`, engine: variant.engine }],
    admin: { address: "127.0.0.1:0" },
    upstreams: {
      library: {
        address: `127.0.0.1:${upstreamPort}`,
        client: variant.client,
        schema: { descriptors: [resolve("descriptors/library.binpb")] },
      },
    },
    accessLog: { enabled: false },
    ...variant.config,
  });
  try {
    const gateway = await ServerProcess.start(process.execPath, async (port) => {
      await writeFile(file, JSON.stringify(config(port)));
      return [join(variant.build ?? "", "dist/main.js"), "serve", "--config", file];
    });
    await hasRoutes(gateway);
    return gateway;
  } finally {
    await rm(file, { force: true });
  }
}

/** It listens before it has read the descriptor set, and answers 503 until then. */
async function hasRoutes(gateway: ServerProcess): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { status } = await fetch(`http://127.0.0.1:${gateway.port}/no/such/route`);
    if (status === 404) return;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  await gateway.stop();
  throw new Error("the gateway has no routes");
}
