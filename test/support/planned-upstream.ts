/**
 * An upstream whose calls say themselves how each of their attempts is to end: `x-key` names the call, `x-plan` has a word
 * for each attempt, the last one for all further ones. Any method replies with an empty message.
 *
 *     ok      headers, a message, OK              lost    the connection is closed
 *     14      trailers only, with this status     hang    nothing at all
 *     14:250  the same, with a pushback of 250    h14     headers, then this status
 *                                                 m14     headers, a message, then this status
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { frame, type Http2Server, startHttp2Server } from "./grpc-http2.ts";

/** One attempt, as the upstream saw it. */
export interface Attempt {
  readonly headers: IncomingHttpHeaders;
  readonly stream: ServerHttp2Stream;
}

/** A running one. */
export interface PlannedUpstream {
  readonly address: string;
  /** The attempts of the call of that key. */
  attemptsOf(key: string): readonly Attempt[];
  /** Resolves once the call of that key has been attempted so often. */
  untilAttempts(key: string, count: number): Promise<readonly Attempt[]>;
  close(): Promise<void>;
}

const GRPC = { ":status": 200, "content-type": "application/grpc" } as const;

/** Starts one. */
export async function startPlannedUpstream(): Promise<PlannedUpstream> {
  const attempts = new Map<string, Attempt[]>();
  const waiting = new Set<() => void>();
  const attemptsOf = (key: string): readonly Attempt[] => attempts.get(key) ?? [];
  const server: Http2Server = await startHttp2Server((stream, headers) => {
    const key = String(headers["x-key"]);
    const earlier = attempts.get(key) ?? [];
    attempts.set(key, [...earlier, { headers, stream }]);
    const plan = String(headers["x-plan"]).split(",");
    // The request is read to its end, as any server does.
    stream.resume();
    stream.on("end", () => follow(plan[earlier.length] ?? plan.at(-1) ?? "ok", stream));
    for (const wake of waiting) wake();
  });
  return {
    address: server.address,
    attemptsOf,
    async untilAttempts(key, count) {
      while (attemptsOf(key).length < count) {
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
      return attemptsOf(key);
    },
    close: () => server.close(),
  };
}

function follow(word: string, stream: ServerHttp2Stream): void {
  const [, shape = "", status = "", pushback] = /^([a-z]*)(\d*)(?::(-?\d+))?$/.exec(word) ?? [];
  const trailers = {
    "grpc-status": status === "" ? "0" : status,
    ...(pushback === undefined ? {} : { "grpc-retry-pushback-ms": pushback }),
  };
  switch (shape) {
    case "":
      stream.respond({ ...GRPC, ...trailers }, { endStream: true });
      return;
    case "hang":
      return;
    case "lost":
      stream.session?.destroy();
      return;
    default:
      stream.respond(GRPC, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers(trailers));
      if (shape === "h") stream.end();
      else stream.end(frame(new Uint8Array(0)));
  }
}
