/**
 * A collector for OTLP over HTTP, as a server in the test's own process. It reads requests with protobufjs and a schema of its
 * own, so that it shares no code with what it judges.
 */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import protobuf from "protobufjs";

const SCHEMA = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message Scope { string name = 1; string version = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
    int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; repeated Event events = 11; Status status = 15; fixed32 flags = 16;
  }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; }
  }
  message Response { PartialSuccess partial_success = 1; }
  message PartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
`).root;

type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A span as the collector got it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: "internal" | "server" | "client" | "other";
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Attributes;
  readonly events: readonly {
    readonly name: string;
    readonly atNs: bigint;
    readonly attributes: Attributes;
  }[];
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  readonly flags: number;
}

/** One request, decoded. */
export interface CollectedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
  readonly schemaUrl: string;
  readonly spans: readonly CollectedSpan[];
}

/** What a decoded KeyValue looks like with the options below. */
interface KeyValue {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly boolValue?: boolean;
    readonly intValue?: string;
    readonly doubleValue?: number;
  };
}

interface RawSpan {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly events: readonly { name: string; timeUnixNano: string; attributes: readonly KeyValue[] }[];
  readonly status?: { readonly code: number };
  readonly flags: number;
}

interface RawRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly schemaUrl: string;
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string; readonly version: string };
      readonly spans: readonly RawSpan[];
    }[];
  }[];
}

/** Decodes the body of one request that holds one resource and one scope. */
export function decodeTraces(body: Uint8Array): Omit<CollectedRequest, "headers" | "path"> {
  const type = SCHEMA.lookupType("Request");
  // The shape that the schema above and these options give.
  const raw = type.toObject(type.decode(body), { longs: String, defaults: true, arrays: true }) as RawRequest;
  const [resourceSpans] = raw.resourceSpans;
  const [scopeSpans] = resourceSpans?.scopeSpans ?? [];
  if (resourceSpans === undefined || scopeSpans === undefined) throw new Error("there is no scope");
  return {
    resource: attributesOf(resourceSpans.resource.attributes),
    scope: scopeSpans.scope,
    schemaUrl: resourceSpans.schemaUrl,
    spans: scopeSpans.spans.map(spanOf),
  };
}

function spanOf(raw: RawSpan): CollectedSpan {
  return {
    traceId: hex(raw.traceId),
    spanId: hex(raw.spanId),
    parentSpanId: hex(raw.parentSpanId),
    traceState: raw.traceState,
    name: raw.name,
    kind: (["other", "internal", "server", "client"] as const)[raw.kind] ?? "other",
    startNs: BigInt(raw.startTimeUnixNano),
    endNs: BigInt(raw.endTimeUnixNano),
    attributes: attributesOf(raw.attributes),
    events: raw.events.map(({ name, timeUnixNano, attributes }) => ({
      name,
      atNs: BigInt(timeUnixNano),
      attributes: attributesOf(attributes),
    })),
    status: raw.status?.code ?? 0,
    flags: raw.flags,
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function attributesOf(pairs: readonly KeyValue[]): Attributes {
  return Object.fromEntries(
    pairs.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? value.doubleValue ?? Number(value.intValue),
    ]),
  );
}

/** How the collector answers. */
export type CollectorAnswer =
  | { readonly kind: "take" }
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: "reject"; readonly spans: number; readonly message: string }
  /** Reads, and never answers. */
  | { readonly kind: "hang" };

/** A running collector. */
export class OtlpCollector {
  readonly #server = createServer((request, reply) => void this.#take(request, reply));
  readonly #waiting = new Set<() => void>();
  /** Every request so far, those included that were not taken. */
  readonly requests: CollectedRequest[] = [];
  answer: CollectorAnswer = { kind: "take" };

  /** Starts one on a free port. */
  static async start(port = 0): Promise<OtlpCollector> {
    const collector = new OtlpCollector();
    collector.#server.listen(port, "127.0.0.1");
    await once(collector.#server, "listening");
    return collector;
  }

  get port(): number {
    // A TCP server that listens has such an address.
    return (this.#server.address() as AddressInfo).port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get spans(): readonly CollectedSpan[] {
    return this.requests.flatMap(({ spans }) => spans);
  }

  /** Resolves with the spans of a trace once its SERVER span is there. */
  async trace(traceId: string): Promise<readonly CollectedSpan[]> {
    await this.until(() => this.spans.some((span) => span.traceId === traceId && span.kind === "server"));
    return this.spans.filter((span) => span.traceId === traceId);
  }

  /** Resolves once `isTrue`, looked at with every request. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #take(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const path = request.url ?? "";
    this.requests.push({ ...decodeTraces(Buffer.concat(chunks)), headers: request.headers, path });
    this.#answer(reply);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  #answer(reply: ServerResponse): void {
    const { answer } = this;
    switch (answer.kind) {
      case "take":
        reply.writeHead(200, { "content-type": "application/x-protobuf" }).end();
        return;
      case "status":
        reply.writeHead(answer.status, answer.headers).end("not now\nplease");
        return;
      case "reject": {
        const type = SCHEMA.lookupType("Response");
        const partialSuccess = { rejectedSpans: answer.spans, errorMessage: answer.message };
        const body = type.encode(type.fromObject({ partialSuccess })).finish();
        reply.writeHead(200, { "content-type": "application/x-protobuf" }).end(body);
        return;
      }
      case "hang":
        return;
      default:
        answer satisfies never;
    }
  }
}
