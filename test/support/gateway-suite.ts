/**
 * End-to-end suites: one built gateway, a listener for each engine, and the echo server behind it.
 */
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { ECHO_DESCRIPTORS, type EchoServer, type SeenCall, startEchoServer } from "./echo-server.ts";
import { type GatewayProcess, startGateway } from "./gateway-process.ts";
import { type Answer, closeIdleConnections, jsonOf, type RequestOptions, send } from "./http-request.ts";

/** Both HTTP engines. */
export const ENGINES: readonly ["uws", "node"] = ["uws", "node"];

/** A reply that never comes fails the suite instead of hanging it. */
const HANG = { timeout: 120_000 };

type Mapping = Readonly<Record<string, unknown>>;

/** What a suite adds to the config. */
export interface SuiteConfig {
  /** Options of the upstream `echo`, besides address and schema. */
  readonly upstream?: Mapping;
  /** Options of every listener. */
  readonly listener?: Mapping;
  /** Top-level keys. */
  readonly config?: Mapping;
}

/** An error body in the default format. */
export interface ErrorBody {
  readonly code: number;
  readonly message: string;
  readonly details: readonly Readonly<Record<string, unknown>>[];
}

/** One engine's listener of a running gateway. Its members can be read once the suite's tests run. */
export interface Subject {
  readonly engine: (typeof ENGINES)[number];
  readonly url: string;
  readonly port: number;
  readonly gateway: GatewayProcess;
  readonly echo: EchoServer;
  send(line: string, options?: RequestOptions): Promise<Answer>;
  /** Sends, and gives the calls that the upstream saw meanwhile too. */
  observe(
    line: string,
    options?: RequestOptions,
  ): Promise<{ readonly answer: Answer; readonly calls: readonly SeenCall[] }>;
}

/** Runs `cases` for each engine, against one gateway process. Schemas come from the descriptor set. */
export function describeGateway(title: string, config: SuiteConfig, cases: (subject: Subject) => void): void {
  describe(title, HANG, () => {
    let echo: EchoServer | undefined;
    let gateway: GatewayProcess | undefined;
    before(async () => {
      echo = await startEchoServer();
      gateway = await startGateway({
        ...config.config,
        listeners: ENGINES.map((engine) => ({ address: "127.0.0.1:0", engine, ...config.listener })),
        upstreams: {
          echo: { address: echo.address, schema: { descriptors: [descriptorPath()] }, ...config.upstream },
        },
      });
    });
    after(async () => {
      closeIdleConnections();
      await gateway?.stop();
      await echo?.close();
    });
    for (const [index, engine] of ENGINES.entries()) {
      const subject: Subject = {
        engine,
        get echo() {
          return started(echo);
        },
        get gateway() {
          return started(gateway);
        },
        get url() {
          return this.gateway.url(index);
        },
        get port() {
          return Number(new URL(this.url).port);
        },
        send(line, options) {
          return send(this.url, line, options);
        },
        async observe(line, options) {
          const from = this.echo.calls.length;
          const answer = await send(this.url, line, options);
          return { answer, calls: this.echo.calls.slice(from) };
        },
      };
      describe(`engine ${engine}`, () => cases(subject));
    }
  });
}

/** The echo server's descriptor set as an absolute path, for configs that stand elsewhere. */
export function descriptorPath(): string {
  return `${process.cwd()}/${ECHO_DESCRIPTORS}`;
}

/** Asserts that `answer` is the gateway's own error for `reason`, and gives its body. */
export function assertGatewayError(answer: Answer, status: number, reason: string): ErrorBody {
  const body = errorBody(answer);
  const info = body.details.find((detail) => detail["@type"] === "type.googleapis.com/google.rpc.ErrorInfo");
  assert.deepEqual(
    { status: answer.status, reason: info?.reason, domain: info?.domain },
    { status, reason, domain: "sluice" },
    answer.body.toString(),
  );
  assert.equal(answer.headers["content-type"], "application/json");
  assert.doesNotMatch(answer.body.toString(), INTERNALS);
  return body;
}

/** Stack frames, module paths and the words of libraries: nothing of it belongs into a reply. */
export const INTERNALS: RegExp =
  /\bat .+:\d+:\d+|node:|node_modules|\.js\b|\.ts\b|grpc-js|protobuf\/|TypeError|RangeError/;

/** The body of an error in the default format. */
export function errorBody(answer: Answer): ErrorBody {
  const body = jsonOf(answer);
  assert.ok(typeof body === "object" && body !== null && "code" in body, answer.body.toString());
  // docs/errors.md: an error has these three members; what a test reads of them it asserts.
  return body as ErrorBody;
}

function started<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the suite has not started");
  return value;
}
