/**
 * What the primary and its workers say to each other. Node carries it ("advanced" serialization, which knows bytes);
 * whoever receives checks it first, so that a fault here is told as such and does not turn up elsewhere.
 *
 *   primary                                   worker
 *     <---------------------------------- hello  hears what is said from now on
 *     start ---------------------------------->  makes its gateway
 *     <---------------------- serving | failed
 *     schemas, config, at any time ----------->  serves by them as soon as they are compiled
 *     reopenLogs, logLevel ------------------->
 *     ask ------------------------------------>
 *     <--------------------------------- answer
 *     drain ---------------------------------->  finishes its requests and exits
 */
import * as z from "zod";
import type { ConfigDocument } from "../../config/index.ts";
import type { ListenAddress } from "../../http/index.ts";
import { LOG_LEVELS, type LogLevel } from "../../telemetry/index.ts";

/** The schema of an upstream: a serialized `google.protobuf.FileDescriptorSet`. */
export interface HandedSchema {
  readonly upstream: string;
  /** Which config of the upstream it belongs to: under a reload it may have one for its old and one for its new form. */
  readonly form: string;
  readonly descriptorSet: Uint8Array;
}

/** The first message to a worker, in answer to its hello. */
export interface StartOrder {
  readonly kind: "start";
  /** From 1; a worker that takes the place of another has its number. */
  readonly worker: number;
  readonly document: ConfigDocument;
  /** Where to listen, in the order of the config's listeners; no port is 0. */
  readonly addresses: readonly ListenAddress[];
  /** The schemas that are known by now. */
  readonly schemas: readonly HandedSchema[];
  /** The primary's own, which may be another than the config's by now. */
  readonly logLevel: LogLevel;
}

/** What a worker can be asked about. */
export type Topic = "metrics" | "readiness" | "upstreams";

/** To a worker. */
export type ToWorker =
  | StartOrder
  | { readonly kind: "schemas"; readonly schemas: readonly HandedSchema[] }
  | { readonly kind: "config"; readonly document: ConfigDocument }
  | { readonly kind: "reopenLogs" }
  | { readonly kind: "logLevel"; readonly level: LogLevel }
  | { readonly kind: "ask"; readonly id: number; readonly about: Topic }
  | { readonly kind: "drain" };

/** An address that a worker listens on, and what serves there. */
export interface WorkerListening {
  readonly address: ListenAddress;
  readonly engine: string;
}

/** What a worker says when it is asked: metrics as text, readiness and why, or upstreams as JSON (`UpstreamRow[]`). */
export interface WorkerAnswer {
  readonly ready: boolean;
  readonly text: string;
}

/** From a worker. */
export type FromWorker =
  | { readonly kind: "hello" }
  | { readonly kind: "serving"; readonly listening: readonly WorkerListening[] }
  | { readonly kind: "failed"; readonly why: string }
  | ({ readonly kind: "answer"; readonly id: number; readonly about: Topic } & WorkerAnswer);

const address = z.object({ host: z.string(), port: z.int().min(1).max(65_535) });
const topic = z.enum(["metrics", "readiness", "upstreams"]);
const bytes = z.instanceof(Uint8Array);
const schema = z.object({ upstream: z.string(), form: z.string(), descriptorSet: bytes });
const optionalText = z.string().optional();
const flags = z.object({
  upstream: z.union([z.string(), z.array(z.string())]).optional(),
  descriptors: z.array(z.string()).optional(),
  listen: optionalText,
  admin: optionalText,
  workers: optionalText,
});
const document = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("file"), path: z.string(), bytes }),
  z.object({ kind: z.literal("flags"), flags, directory: z.string() }),
]);

const toWorker = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("start"),
    worker: z.int().min(1),
    document,
    addresses: z.array(address),
    schemas: z.array(schema),
    logLevel: z.enum(LOG_LEVELS),
  }),
  z.object({ kind: z.literal("schemas"), schemas: z.array(schema) }),
  z.object({ kind: z.literal("config"), document }),
  z.object({ kind: z.literal("reopenLogs") }),
  z.object({ kind: z.literal("logLevel"), level: z.enum(LOG_LEVELS) }),
  z.object({ kind: z.literal("ask"), id: z.int(), about: topic }),
  z.object({ kind: z.literal("drain") }),
]);

const fromWorker = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("hello") }),
  z.object({
    kind: z.literal("serving"),
    listening: z.array(z.object({ address, engine: z.string() })),
  }),
  z.object({ kind: z.literal("failed"), why: z.string() }),
  z.object({ kind: z.literal("answer"), id: z.int(), about: topic, ready: z.boolean(), text: z.string() }),
]);

/** A message that is none of those above. */
export class MessageError extends Error {
  constructor(from: string, error: z.ZodError) {
    const [issue] = error.issues;
    super(`a message from ${from} is malformed: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
    this.name = "MessageError";
  }
}

/** Reads what came from the primary. @throws {MessageError} naming the field, where it is no such message. */
export function readOrder(value: unknown): ToWorker {
  const { data, error } = toWorker.safeParse(value);
  if (error !== undefined) throw new MessageError("the primary", error);
  return data;
}

/** Reads what came from a worker. @throws {MessageError} naming the field, where it is no such message. */
export function readReport(value: unknown): FromWorker {
  const { data, error } = fromWorker.safeParse(value);
  if (error !== undefined) throw new MessageError("a worker", error);
  return data;
}
