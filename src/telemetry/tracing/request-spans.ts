/**
 * The spans of one finished request: SERVER for the request, INTERNAL for assembling the request message and rendering the
 * reply, CLIENT for the upstream call.
 *
 * Names and attributes are those of the OpenTelemetry semantic conventions 1.45, where both HTTP and RPC are stable:
 * `rpc.system.name`, a fully qualified `rpc.method`, `rpc.status_code`. Queries are left out: they may hold secrets.
 * What has no convention is named `sluice.…`.
 * Sources: https://opentelemetry.io/docs/specs/semconv/http/http-spans/, …/rpc/grpc/.
 */
import { Code, codeName } from "../../status/index.ts";
import type { AccessRecord } from "../access-record.ts";
import type { AttributeValue, SpanEvent, SpanRecord } from "./span.ts";

/** A stretch of time on the steady clock, in milliseconds. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Transcoding in one direction: from its first message to its last. */
export interface TranscodingFigures extends Stretch {
  /** Messages. */
  readonly laps: number;
  /** The time that it took; less than the stretch where there were several messages. */
  readonly busyMs: number;
}

/** That a call was sent again. */
export interface RepeatedCall {
  readonly atMs: number;
  /** How often it had been sent before. */
  readonly previousAttempts: number;
  /** What the attempt before failed with; OK where it has not failed, and this is a hedge. */
  readonly afterCode: Code;
}

/** The upstream call of a request. */
export interface CallFigures extends Stretch {
  readonly code: Code;
  readonly repeats: readonly RepeatedCall[];
  /** Where the upstream is; undefined where it has several addresses. */
  readonly target: { readonly host: string; readonly port: number | undefined } | undefined;
}

/** Everything that spans tell of a request. */
export interface RequestFigures extends Stretch {
  readonly record: AccessRecord;
  readonly scheme: string;
  /** The `host` that the client asked for, port included; "" if it said none. */
  readonly host: string;
  /** The client, behind trusted proxies. */
  readonly clientAddress: string;
  readonly userAgent: string;
  readonly httpVersion: number;
  readonly assembling: TranscodingFigures | undefined;
  readonly rendering: TranscodingFigures | undefined;
  readonly call: CallFigures | undefined;
}

/** What the spans hang on. */
export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly state: string;
}

/** Longer texts of clients are cut: a span is no place for them. */
const MAX_TEXT = 1024;

const KNOWN_METHODS: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "TRACE",
]);

/** The spans, the request's own last. `offsetMs` takes steady times to times since 1970. */
export function requestSpans(
  context: SpanContext,
  callSpanId: string,
  figures: RequestFigures,
  offsetMs: number,
  newSpanId: () => string,
): readonly SpanRecord[] {
  const spans: SpanRecord[] = [];
  const { assembling, call, rendering } = figures;
  const child = { traceId: context.traceId, parentSpanId: context.spanId, traceState: context.state };
  if (assembling !== undefined) {
    spans.push({
      ...child,
      ...transcodingSpan("assemble request", assembling, offsetMs),
      spanId: newSpanId(),
    });
  }
  if (call !== undefined && callSpanId !== "") {
    spans.push({ ...child, ...callSpan(figures.record, call, offsetMs), spanId: callSpanId });
  }
  if (rendering !== undefined) {
    spans.push({ ...child, ...transcodingSpan("render reply", rendering, offsetMs), spanId: newSpanId() });
  }
  spans.push(serverSpan(context, figures, offsetMs));
  return spans;
}

/** A span without what says where it hangs. */
type LooseSpan = Omit<SpanRecord, "traceId" | "spanId" | "parentSpanId" | "traceState">;

function serverSpan(context: SpanContext, figures: RequestFigures, offsetMs: number): SpanRecord {
  const { record, scheme, httpVersion, clientAddress, userAgent } = figures;
  const { httpMethod, httpStatus, route, reason } = record;
  const isKnown = KNOWN_METHODS.has(httpMethod);
  const method = isKnown ? httpMethod : "HTTP";
  const attributes: AttributeValue[] = ["http.request.method", isKnown ? httpMethod : "_OTHER"];
  if (!isKnown) attributes.push("http.request.method_original", cut(httpMethod));
  attributes.push("url.path", cut(record.path), "url.scheme", scheme);
  attributes.push("http.response.status_code", httpStatus);
  if (route !== "") attributes.push("http.route", route);
  pushHost(attributes, figures.host);
  if (clientAddress !== "") attributes.push("client.address", cut(clientAddress));
  if (record.peer !== "") attributes.push("network.peer.address", record.peer);
  attributes.push("network.protocol.version", httpVersion === 1 ? "1.1" : String(httpVersion));
  if (userAgent !== "") attributes.push("user_agent.original", cut(userAgent));
  attributes.push("http.request.body.size", record.bytesIn, "http.response.body.size", record.bytesOut);
  if (record.upstream !== "") attributes.push("sluice.upstream", record.upstream);
  attributes.push("sluice.request_id", record.requestId);
  if (reason !== undefined) attributes.push("sluice.reason", reason);
  // A server's fault is a status of 5xx alone; what a client did wrong is no error of this span.
  const isError = httpStatus >= 500;
  if (isError) attributes.push("error.type", reason ?? String(httpStatus));
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    parentSpanId: context.parentSpanId,
    traceState: context.state,
    kind: "server",
    name: route === "" ? method : `${method} ${route}`,
    ...times(figures, offsetMs),
    attributes,
    events: [],
    outcome: isError ? "error" : "unset",
    message: "",
  };
}

function callSpan({ rpc, upstream }: AccessRecord, call: CallFigures, offsetMs: number): LooseSpan {
  const { code, target, repeats } = call;
  const dot = rpc.lastIndexOf(".");
  const method = `${rpc.slice(0, dot)}/${rpc.slice(dot + 1)}`;
  const status = codeName(code);
  const attributes: AttributeValue[] = ["rpc.system.name", "grpc", "rpc.method", method];
  attributes.push("rpc.status_code", status);
  // The conventions ask for the name of a group of servers where there are several.
  attributes.push("server.address", target?.host ?? upstream);
  if (target?.port !== undefined) attributes.push("server.port", target.port);
  attributes.push("sluice.upstream", upstream);
  if (code !== Code.OK) attributes.push("error.type", status);
  const events = repeats.map(({ atMs, previousAttempts, afterCode }): SpanEvent => {
    const isHedge = afterCode === Code.OK;
    return {
      name: isHedge ? "hedge" : "retry",
      atMs: atMs + offsetMs,
      attributes: [
        "sluice.previous_attempts",
        previousAttempts,
        ...(isHedge ? [] : ["rpc.status_code", codeName(afterCode)]),
      ],
    };
  });
  return {
    kind: "client",
    name: method,
    ...times(call, offsetMs),
    attributes,
    events,
    outcome: code === Code.OK ? "unset" : "error",
    message: "",
  };
}

function transcodingSpan(name: string, figures: TranscodingFigures, offsetMs: number): LooseSpan {
  const { laps, busyMs } = figures;
  return {
    kind: "internal",
    name,
    ...times(figures, offsetMs),
    attributes: ["sluice.messages", laps, "sluice.busy_ms", Math.round(busyMs * 1000) / 1000],
    events: [],
    outcome: "unset",
    message: "",
  };
}

function times({ fromMs, toMs }: Stretch, offsetMs: number): { startMs: number; endMs: number } {
  return { startMs: fromMs + offsetMs, endMs: Math.max(fromMs, toMs) + offsetMs };
}

/** `example.com:8080`, `[::1]:8080`; what is no host and port is taken for a host. */
function pushHost(attributes: AttributeValue[], host: string): void {
  if (host === "") return;
  const colon = host.lastIndexOf(":");
  const port = host.endsWith("]") || colon < 0 ? Number.NaN : Number(host.slice(colon + 1));
  const hasPort = Number.isInteger(port) && port > 0 && port < 65_536;
  attributes.push("server.address", cut(hasPort ? host.slice(0, colon) : host));
  if (hasPort) attributes.push("server.port", port);
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : text.slice(0, MAX_TEXT);
}
