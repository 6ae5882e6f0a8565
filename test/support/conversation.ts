/**
 * HTTP requests whose body is sent message by message, each after the reply to the one before it.
 */
import { once } from "node:events";
import { request as nodeRequest } from "node:http";

/** What to send. */
export interface Conversation {
  /** Method and target. */
  readonly line: string;
  readonly headers: readonly string[];
  /** The body in pieces; the last ends it. */
  readonly sent: readonly string[];
  /** How long the reply's body has to be before the piece of the same place is followed by the next. */
  readonly awaited: readonly number[];
}

/** What came of it. */
export interface Outcome {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** `cut`: the connection ended before the reply did. */
  readonly end: "whole" | "cut";
}

/** Holds a conversation on a connection of its own. Ends early if the reply does. */
export async function converse(
  url: string,
  { line, headers, sent, awaited }: Conversation,
): Promise<Outcome> {
  const [method = "", target = ""] = line.split(" ");
  const request = nodeRequest(`${url}${target}`, {
    method,
    agent: false,
    headers: headersOf(headers),
  });
  // Whatever ends the connection is told by the reply.
  let failure: unknown;
  let wake: () => void = () => undefined;
  let body = "";
  let end: "whole" | "cut" | undefined;
  request.on("error", (error) => {
    failure = error;
    end ??= "cut";
    wake();
  });
  const head = { status: 0, contentType: "" };
  request.on("response", (response) => {
    head.status = response.statusCode ?? 0;
    head.contentType = response.headers["content-type"] ?? "";
    response.setEncoding("utf8");
    response.on("data", (text) => {
      body += String(text);
      wake();
    });
    response.on("close", () => {
      end ??= response.complete ? "whole" : "cut";
      wake();
    });
    response.on("error", () => undefined);
  });
  const until = async (isThere: () => boolean): Promise<void> => {
    while (end === undefined && !isThere()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  for (const [index, piece] of sent.entries()) {
    if (end !== undefined) break;
    if (index + 1 === sent.length) request.end(piece);
    else {
      request.write(piece);
      await until(() => Buffer.byteLength(body) >= (awaited[index] ?? 0));
    }
  }
  await until(() => false);
  if (!request.closed) {
    request.destroy();
    await once(request, "close");
  }
  if (head.status === 0) throw failure ?? new Error("no reply");
  return { ...head, body, end: end ?? "cut" };
}

function headersOf(fields: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) headers[fields[i] ?? ""] = fields[i + 1] ?? "";
  return headers;
}
