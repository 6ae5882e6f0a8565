/**
 * A failed call of the demo, with details of google.rpc, and the failures that it knows.
 * Source: google/rpc/status.proto, google/rpc/error_details.proto, AIP-193.
 */
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Metadata, ServerErrorResponse } from "@grpc/grpc-js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  QuotaFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../gen/google/rpc/status_pb.ts";
import { Code } from "../status/index.ts";

/** `ErrorInfo.domain` of every failure that the library itself makes. */
const FAULT_DOMAIN: string = "library.example.com";

/** Ends a call with a status and details. */
export class StatusFault extends Error {
  readonly code: Code;
  readonly details: readonly Any[];

  constructor(code: Code, message: string, details: readonly Any[]) {
    super(message);
    this.name = "StatusFault";
    this.code = code;
    this.details = details;
  }

  /** The error that grpc-js sends; `trailers` go with it. */
  toServerError(trailers: Metadata): ServerErrorResponse {
    const metadata = trailers.clone();
    if (this.details.length > 0) {
      const status = create(StatusSchema, {
        code: this.code,
        message: this.message,
        details: [...this.details],
      });
      metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, status)));
    }
    return Object.assign(new Error(this.message), { code: this.code, details: this.message, metadata });
  }
}

/** The fault that `error` stands for; anything unknown is INTERNAL and tells nothing of itself. */
export function faultOf(error: unknown): StatusFault {
  if (error instanceof StatusFault) return error;
  return new StatusFault(Code.INTERNAL, "the library has a fault of its own", []);
}

/** One faulty field: its path in the request (`book.isbn`) and what is wrong with it. */
export interface FieldFault {
  readonly field: string;
  readonly description: string;
}

/** A client's text, fit for an error: quoted, and cut because statuses travel in headers. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** INVALID_ARGUMENT with BadRequest (every faulty field) and ErrorInfo. */
export function invalidArgument(faults: readonly FieldFault[], reason = "FIELD_INVALID"): StatusFault {
  const message = faults.map(({ field, description }) => `${field}: ${description}`).join("; ");
  return new StatusFault(Code.INVALID_ARGUMENT, message, [
    pack(BadRequestSchema, { fieldViolations: faults.map((fault) => ({ ...fault })) }),
    errorInfo(reason, {}),
  ]);
}

/** OUT_OF_RANGE with BadRequest: a value that was right before, or will be. */
export function outOfRange(field: string, description: string): StatusFault {
  return new StatusFault(Code.OUT_OF_RANGE, `${field}: ${description}`, [
    pack(BadRequestSchema, { fieldViolations: [{ field, description }] }),
    errorInfo("OUT_OF_RANGE", { field }),
  ]);
}

/** NOT_FOUND with ResourceInfo. `type` is e.g. `library.v1.Book`. */
export function notFound(type: string, name: string): StatusFault {
  return new StatusFault(Code.NOT_FOUND, `${name} does not exist`, [
    pack(ResourceInfoSchema, { resourceType: type, resourceName: name, description: "does not exist" }),
    errorInfo("NOT_FOUND", { name }),
  ]);
}

/** ALREADY_EXISTS with ResourceInfo. */
export function alreadyExists(type: string, name: string): StatusFault {
  return new StatusFault(Code.ALREADY_EXISTS, `${name} exists already`, [
    pack(ResourceInfoSchema, { resourceType: type, resourceName: name, description: "exists already" }),
    errorInfo("ALREADY_EXISTS", { name }),
  ]);
}

/** ABORTED: somebody else changed the book since the etag was read. */
export function etagMismatch(name: string, expected: string, actual: string): StatusFault {
  return new StatusFault(Code.ABORTED, `${name} has changed: its etag is ${actual}, not ${expected}`, [
    errorInfo("ETAG_MISMATCH", { name, etag: actual }),
  ]);
}

/** FAILED_PRECONDITION with PreconditionFailure. */
export function failedPrecondition(type: string, subject: string, description: string): StatusFault {
  return new StatusFault(Code.FAILED_PRECONDITION, `${subject}: ${description}`, [
    pack(PreconditionFailureSchema, { violations: [{ type, subject, description }] }),
    errorInfo(type, { subject }),
  ]);
}

/** RESOURCE_EXHAUSTED with QuotaFailure and, where waiting helps, RetryInfo. */
export function quotaExceeded(
  subject: string,
  description: string,
  retryAfterMs: number | undefined,
): StatusFault {
  const details = [
    pack(QuotaFailureSchema, { violations: [{ subject, description }] }),
    errorInfo("QUOTA_EXCEEDED", { subject }),
  ];
  if (retryAfterMs !== undefined) {
    details.push(pack(RetryInfoSchema, { retryDelay: durationFromMs(retryAfterMs) }));
  }
  return new StatusFault(Code.RESOURCE_EXHAUSTED, `${subject}: ${description}`, details);
}

function errorInfo(reason: string, metadata: Record<string, string>): Any {
  return pack(ErrorInfoSchema, { reason, domain: FAULT_DOMAIN, metadata });
}

function pack<Desc extends DescMessage>(type: Desc, init: MessageInitShape<Desc>): Any {
  return anyPack(type, create(type, init));
}
