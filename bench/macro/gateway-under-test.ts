/**
 * What the macro benchmarks share: the built gateway as a process in front of an upstream of theirs, and what it costs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const MS_PER_TICK = 10;

/** A gateway that serves the library's routes. */
export interface GatewayUnderTest {
  readonly child: ChildProcess;
  readonly port: number;
}

/** Starts `dist/main.js` with one engine and one gRPC client. */
export async function startGateway(
  variant: { readonly engine: string; readonly client: string },
  upstreamPort: number,
): Promise<GatewayUnderTest> {
  const file = join(tmpdir(), `sluice-bench-${process.pid}.yaml`);
  const library = {
    address: `127.0.0.1:${upstreamPort}`,
    client: variant.client,
    schema: { descriptors: [`${process.cwd()}/descriptors/library.binpb`] },
  };
  const config = {
    listeners: [{ address: "127.0.0.1:0", engine: variant.engine }],
    admin: { address: "127.0.0.1:0" },
    upstreams: { library },
    accessLog: { enabled: false },
  };
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(process.execPath, ["dist/main.js", "serve", "--config", file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== "object" || entry === null || !("msg" in entry) || !("address" in entry)) continue;
    if (entry.msg !== "listening") continue;
    child.stdout.resume();
    rmSync(file);
    return { child, port: Number(String(entry.address).split(":").at(-1)) };
  }
  throw new Error("the gateway did not start");
}

/** CPU time of a process so far, user and system, in ms. Source: proc(5), /proc/pid/stat. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** Resident memory of a process, in MB. */
export function rssMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) / 1024;
}

/** The 5-byte prefix of gRPC and the message. */
export function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([prefix, message]);
}
