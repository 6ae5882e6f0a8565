/** `sluice explain`: what would become of a request, step by step, without calling the upstream. */
import { readFileSync } from "node:fs";
import { builtins, compileOnce } from "../app/index.ts";
import type { Config } from "../config/index.ts";
import { listenerName } from "../control/index.ts";
import { type Route, type RoutingSnapshot, tableOf } from "../gateway/index.ts";
import { openRequestBody } from "../protocol/index.ts";
import {
  chooseRequestReader,
  chooseStreamType,
  MessageAssembler,
  requestDeadlineMs,
  requestMetadata,
} from "../protocol/rest/index.ts";
import { codeName, httpStatusOf, type Status, StatusError } from "../status/index.ts";
import { renderMessage } from "../transcode/index.ts";
import { ExplainedExchange } from "./explained-exchange.ts";
import { type ConfigOptions, loadConfigOf, printProblems } from "./load-config.ts";
import { productVersion } from "./product-version.ts";

/** What the command line gives beside the config. */
export interface ExplainOptions extends ConfigOptions {
  readonly data?: string;
  /** Its name or address; the first without it. */
  readonly listener?: string;
  readonly header: readonly string[];
}

/** The closest come first; a large schema has hundreds that merely share the method. */
const SHOWN_CANDIDATES = 8;

/** As the request says it: proto names, nothing that is not set. */
const FOR_PEOPLE = {
  emitDefaults: false,
  enumsAsNumbers: false,
  int64: "string",
  protoFieldNames: true,
  pretty: true,
  maxDepth: 1000,
} as const;

/** Prints candidates, captures, message and metadata; 1 where the request would be refused. */
export async function explain(request: string, options: ExplainOptions): Promise<number> {
  const { config, problems } = await loadConfigOf(options);
  printProblems(problems, process.stderr);
  if (config === undefined) return 1;
  const parsed = parseRequest(request, options);
  const { snapshot, problems: found } = await compileOnce(config, builtins(config, productVersion()));
  printProblems(found, process.stderr);
  const settings = chooseListener(config, options.listener);
  process.stdout.write(`${parsed.method} ${parsed.path}${parsed.query === "" ? "" : `?${parsed.query}`}\n`);
  try {
    return await explainRequest(parsed, snapshot, settings);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    printRefusal(error.status);
    return 1;
  }
}

interface ListenerTraits {
  readonly index: number;
  readonly trailingSlash: "strict" | "ignore";
  readonly trustedHops: number;
}

function chooseListener({ listeners }: Config, wanted: string | undefined): ListenerTraits {
  const names = listeners.map(listenerName);
  const index = wanted === undefined ? 0 : names.indexOf(wanted);
  const listener = listeners[index];
  if (listener !== undefined) return { index, ...listener };
  throw new Error(`there is no listener ${JSON.stringify(wanted)} (there is: ${names.join(", ")})`);
}

async function explainRequest(
  request: ExplainedExchange,
  snapshot: RoutingSnapshot,
  listener: ListenerTraits,
): Promise<number> {
  printCandidates(request, snapshot, listener);
  const { matcher, pendingUpstreams } = tableOf(snapshot, listener.index);
  const match = matcher.match(request.method, request.path, listener.trailingSlash);
  if (match.kind === "not-found") {
    const [pending] = pendingUpstreams;
    section("refused", [
      pending === undefined
        ? "404: no route has this path"
        : `503: no route has this path yet: the schema of upstream ${pending} is missing`,
    ]);
    return 1;
  }
  if (match.kind === "method-not-allowed") {
    const allow = [...new Set([...match.allow, "OPTIONS"])].join(", ");
    const isAnswered = request.method === "OPTIONS";
    if (isAnswered) section("answered by the gateway", [`204: Allow: ${allow}`]);
    else section("refused", [`405: Allow: ${allow}`]);
    return isAnswered ? 0 : 1;
  }
  const { value: route, captures } = match;
  const names = route.variables;
  section(
    "captures",
    captures.map((value, i) => `${names[i]} = ${JSON.stringify(value)}`),
  );
  const assembler = new MessageAssembler(route, request, captures);
  const { input } = route.method;
  for (const message of await messagesOf(request, route, assembler)) {
    const json = renderMessage(input, message, FOR_PEOPLE, snapshot.registry);
    section(`message ${input.typeName}, ${message.byteLength} bytes`, json.split("\n"));
  }
  if (assembler.unknownFields.length > 0) section("unknown, ignored", assembler.unknownFields);
  printMetadata(request, route, listener.trustedHops);
  const limitMs = route.method.kind === "unary" ? route.settings.deadlineMs : Number.POSITIVE_INFINITY;
  const deadlineMs = requestDeadlineMs(request.headers, limitMs);
  section("call", [
    `${route.method.rpcPath} (${route.method.kind}) of upstream ${route.upstream}`,
    Number.isFinite(deadlineMs) ? `within ${deadlineMs} ms` : "without a deadline",
  ]);
  section("reply", [replyForm(request, route)]);
  return 0;
}

/** What a reply that succeeds looks like, as far as the request decides it. */
function replyForm({ headers }: ExplainedExchange, { method, transcoder, settings }: Route): string {
  const isStream = method.kind === "server_streaming" || method.kind === "bidi_streaming";
  if (transcoder.repliesWithHttpBody) return isStream ? "raw bytes, streamed" : "raw bytes";
  if (!isStream) return "application/json";
  const { mediaType } = chooseStreamType(headers, settings.stream.format);
  return `${mediaType}, streamed (Accept chooses)`;
}

/**
 * What would be sent: one message, or those of a stream.
 * @throws {StatusError} why the request would be refused.
 */
function messagesOf(
  request: ExplainedExchange,
  route: Route,
  assembler: MessageAssembler,
): Promise<readonly Uint8Array[]> {
  const messages: Uint8Array[] = [];
  const body = openRequestBody(request, route.settings.requestDecoding);
  return new Promise<readonly Uint8Array[]>((resolve, reject) => {
    chooseRequestReader(body, route, assembler).start({
      onRequestHead: () => undefined,
      onRequestMessage: (message) => messages.push(message) > 0,
      onRequestEnd: () => resolve(messages),
      onRequestFault: reject,
    });
  }).finally(() => body.release?.());
}

function printCandidates(
  request: ExplainedExchange,
  snapshot: RoutingSnapshot,
  listener: ListenerTraits,
): void {
  const { matcher } = tableOf(snapshot, listener.index);
  const candidates = matcher.explain(request.method, request.path, listener.trailingSlash);
  const others = candidates.length - SHOWN_CANDIDATES;
  section(
    others > 0 ? `candidates (${others} more distant ones are left out)` : "candidates",
    candidates
      .slice(0, SHOWN_CANDIDATES)
      .flatMap(({ value: route, outcome, why }) => [
        `${outcome.padEnd(7)}  ${route.httpMethod} ${route.template}  ${route.method.fullName}`,
        `         ${why}`,
      ]),
  );
}

function printMetadata(request: ExplainedExchange, route: Route, trustedHops: number): void {
  const source = { headers: request.headers, peer: "127.0.0.1", tls: undefined };
  const requestId = headerOf(request, "x-request-id") ?? "(made for each request)";
  const metadata = requestMetadata(source, route.settings.requestHeaders, trustedHops, requestId);
  const lines = metadata.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${metadata[i + 1]}`] : []));
  section("metadata", lines);
}

function printRefusal(status: Status): void {
  const http = httpStatusOf(status, {});
  const violations = status.violations
    .filter(({ description }) => !status.message.endsWith(description))
    .map(({ field, description }) => `${field}: ${description}`);
  section("refused", [
    `${http} ${codeName(status.code)} ${status.reason ?? ""}: ${status.message}`,
    ...violations,
  ]);
}

function section(title: string, lines: readonly string[]): void {
  const body = lines.length === 0 ? ["(none)"] : lines;
  process.stdout.write(`\n${title}\n${body.map((line) => `  ${line}\n`).join("")}`);
}

function parseRequest(text: string, options: ExplainOptions): ExplainedExchange {
  const [method = "", target = "", ...rest] = text.trim().split(/\s+/);
  if (target === "" || rest.length > 0 || !target.startsWith("/")) {
    throw new Error(`${JSON.stringify(text)} is not a request (write 'GET /v1/shelves/1?view=FULL')`);
  }
  const headers = options.header.flatMap(parseHeader);
  return new ExplainedExchange(method.toUpperCase(), target, headers, readBody(options.data));
}

function parseHeader(text: string): readonly string[] {
  const colon = text.indexOf(":");
  if (colon <= 0) throw new Error(`${JSON.stringify(text)} is not a header (write 'name: value')`);
  return [text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()];
}

function readBody(data: string | undefined): Uint8Array {
  if (data === undefined) return new Uint8Array(0);
  if (!data.startsWith("@")) return Buffer.from(data);
  const file = data.slice(1);
  try {
    return readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new Error(`cannot read ${file}: ${code} (--data @file reads the body from a file)`, {
      cause: error,
    });
  }
}

function headerOf({ headers }: ExplainedExchange, name: string): string | undefined {
  const at = headers.findIndex((value, i) => i % 2 === 0 && value === name);
  return at < 0 ? undefined : headers[at + 1];
}
