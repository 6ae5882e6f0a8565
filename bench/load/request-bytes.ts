/** What the benchmarks send. */
export interface BenchRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** JSON, if any. */
  readonly body?: string | undefined;
}

/** The whole HTTP/1.1 request. */
export function requestBytes({ method, path, body }: BenchRequest): Buffer {
  const content =
    body === undefined
      ? ""
      : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench\r\naccept: */*\r\n${content}\r\n`;
  return Buffer.from(head + (body ?? ""));
}
