/**
 * An HTTP client for end-to-end tests: node:http, because `fetch` normalises paths, hides hop-by-hop fields and trailers, and
 * adds fields of its own.
 */
import { Agent, type IncomingMessage, request as nodeRequest } from "node:http";

/** One whole reply. Field names are lower-case; repeated ones are joined by `, `. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string | undefined>>;
}

/** What goes with a request line. A flat header list keeps order and repetition. */
export interface RequestOptions {
  readonly headers?: readonly string[];
  readonly body?: string | Uint8Array;
}

// Idle connections of it do not keep a test process alive.
const AGENT = new Agent({ keepAlive: true, maxSockets: 8 });

/**
 * Sends `line` (`GET /v1/echo?x=1`; the target as it is to stand on the wire) and reads the whole reply.
 * Rejects if the connection fails or the reply breaks off.
 */
export function send(url: string, line: string, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    open(url, line, options, AGENT).then((response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: joinFields(response.rawHeaders),
          body: Buffer.concat(chunks),
          trailers: joinFields(response.rawTrailers),
        }),
      );
    }, reject);
  });
}

/** Closes the connections that `send` keeps, so that a server that drains need not wait for them. */
export function closeIdleConnections(): void {
  AGENT.destroy();
}

/** Sends a request on a connection of its own and resolves with the head of the reply; the body is the caller's to read. */
export function open(
  url: string,
  line: string,
  { headers = [], body }: RequestOptions = {},
  agent: Agent | false = false,
): Promise<IncomingMessage> {
  const space = line.indexOf(" ");
  const method = line.slice(0, space);
  const target = line.slice(space + 1);
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const fields = ["host", `${hostname}:${port}`, ...headers];
    if (body !== undefined) fields.push("content-length", String(Buffer.byteLength(body)));
    const request = nodeRequest({ hostname, port, method, path: target, agent, headers: fields });
    request.on("response", resolve);
    request.on("error", reject);
    request.end(body);
  });
}

/** The body as JSON. */
export function jsonOf(answer: Answer): unknown {
  const text = answer.body.toString();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`not JSON: ${JSON.stringify(text.slice(0, 500))} (HTTP ${answer.status})`);
  }
}

function joinFields(raw: readonly string[]): Record<string, string | undefined> {
  const fields: Record<string, string | undefined> = {};
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? "").toLowerCase();
    const earlier = fields[name];
    fields[name] = earlier === undefined ? raw[i + 1] : `${earlier}, ${raw[i + 1]}`;
  }
  return fields;
}
