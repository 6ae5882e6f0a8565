/** A gateway with one engine in front of the upstream, and plain HTTP clients for it. */
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as nodeRequest } from "node:http";
import { type GatewayProcess, startGateway } from "../support/gateway-process.ts";
import { descriptorPath } from "../support/gateway-suite.ts";
import type { ProofUpstream } from "./upstream.ts";

/** What a proof has to work with. */
export interface Stage {
  readonly engine: string;
  readonly pid: number;
  readonly port: number;
  /** `http://host:port`. */
  readonly adminUrl: string;
  readonly upstream: ProofUpstream;
}

/** Runs `proof` against a fresh gateway that has served one request. */
export async function onStage<T>(
  engine: string,
  upstream: ProofUpstream,
  proof: (stage: Stage) => Promise<T>,
): Promise<T> {
  const gateway = await startGateway({
    listeners: [{ address: "127.0.0.1:0", engine }],
    accessLog: { enabled: false },
    upstreams: {
      proofs: {
        address: `127.0.0.1:${upstream.port}`,
        schema: { descriptors: [descriptorPath()] },
        json: { emitDefaults: false },
      },
    },
  });
  try {
    const port = Number(new URL(gateway.url()).port);
    const stage = { engine, pid: pidOf(gateway), port, adminUrl: gateway.adminUrl, upstream };
    await drained(await get(stage, "/v1/count/1", "warm-up"));
    return await proof(stage);
  } finally {
    await gateway.stop();
  }
}

/** A request on a connection of its own; `call` is its name in the upstream. */
export function request(
  { port }: Stage,
  method: string,
  path: string,
  call: string,
  headers: Readonly<Record<string, string>> = {},
): ClientRequest {
  return nodeRequest({ port, method, path, agent: false, headers: { "x-proof": call, ...headers } });
}

/** The head of the reply to a GET. */
export async function get(
  stage: Stage,
  path: string,
  call: string,
  accept = "*/*",
): Promise<IncomingMessage> {
  const sent = request(stage, "GET", path, call, { accept });
  sent.end();
  return replyTo(sent);
}

/** The head of the reply. @throws {Error} if it is none of success. */
export async function replyTo(sent: ClientRequest): Promise<IncomingMessage> {
  const [message] = await once(sent, "response");
  // What node:http emits as `response`.
  const reply = message as IncomingMessage;
  if (reply.statusCode === 200) return reply;
  const chunks: Buffer[] = [];
  for await (const chunk of reply) chunks.push(chunk);
  throw new Error(`${sent.path}: HTTP ${reply.statusCode} ${Buffer.concat(chunks).toString()}`);
}

/** Reads a reply to its end, `onChunk` by chunk. Rejects if it breaks off. */
export function drained(
  reply: IncomingMessage,
  onChunk: (chunk: Buffer) => void = () => undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    reply.on("data", onChunk);
    reply.on("end", resolve);
    reply.on("error", reject);
  });
}

function pidOf({ child }: GatewayProcess): number {
  if (child.pid === undefined) throw new Error("the gateway does not run");
  return child.pid;
}
