/**
 * Makes sure that contestants do the same work: each one's replies are compared with the gateway's before anything is
 * measured. JSON is compared as values; a stream in any of its forms (lines, grpc-gateway's envelope, an array,
 * server-sent events) by its messages; other replies byte by byte.
 */
import { isDeepStrictEqual } from "node:util";
import type { Workload } from "./workloads.ts";

/** A whole reply. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

const EXCERPT = 160;
const TIMEOUT_MS = 60_000;

/** Sends a workload's request once. */
export async function fetchReply(port: number, { method, path, body }: Workload): Promise<Reply> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { "user-agent": "bench", ...(body === undefined ? {} : { "content-type": "application/json" }) },
    body: body ?? null,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return {
    status: response.status,
    contentType: response.headers.get("content-type") ?? "",
    body: Buffer.from(await response.arrayBuffer()),
  };
}

/** Why `reply` is not what `reference` is; undefined if it is. */
export function differenceFrom(reference: Reply, reply: Reply, workload: Workload): string | undefined {
  if (reply.status !== 200) return `answers ${reply.status}: ${excerpt(reply)}`;
  if (workload.messages > 1) return streamDifference(reference, reply, workload);
  if (!reference.contentType.includes("json")) {
    return reply.body.equals(reference.body) ? undefined : "answers other bytes";
  }
  const isEqual = isDeepStrictEqual(parse(reply.body.toString()), parse(reference.body.toString()));
  return isEqual ? undefined : `answers other JSON: ${excerpt(reply)}`;
}

function streamDifference(reference: Reply, reply: Reply, workload: Workload): string | undefined {
  const [expected] = messagesOf(reference);
  const messages = messagesOf(reply);
  if (messages.length !== workload.messages) return `sends ${messages.length} messages: ${excerpt(reply)}`;
  const odd = messages.find((message) => !isDeepStrictEqual(message, expected));
  return odd === undefined ? undefined : `sends other messages: ${JSON.stringify(odd).slice(0, EXCERPT)}`;
}

function messagesOf({ contentType, body }: Reply): readonly unknown[] {
  const text = body.toString();
  if (contentType.includes("event-stream")) {
    return text
      .split("\n")
      .filter((line) => line.startsWith("data:"))
      .map((line) => parse(line.slice("data:".length)));
  }
  if (text.startsWith("[")) {
    const array = parse(text);
    return Array.isArray(array) ? array : [];
  }
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => unwrap(parse(line)));
}

/** grpc-gateway puts each message into `{"result": …}`. */
function unwrap(message: unknown): unknown {
  return typeof message === "object" && message !== null && "result" in message ? message.result : message;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function excerpt({ body }: Reply): string {
  return body.toString().slice(0, EXCERPT).trim();
}
