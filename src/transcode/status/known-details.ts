/** What the gateway itself reads in the details of a status. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { FieldViolation, Status } from "../../status/index.ts";

/** The domain of every ErrorInfo that the gateway makes. */
export const GATEWAY_DOMAIN: string = "sluice";

/** The machine-readable cause of an error (AIP-193). */
export interface ErrorCause {
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The cause that a status names: the gateway's own reason, or the upstream's ErrorInfo; undefined if none. */
export function causeOf(status: Status): ErrorCause | undefined {
  if (status.reason !== undefined) return { reason: status.reason, domain: GATEWAY_DOMAIN, metadata: {} };
  return detailOf(status, ErrorInfoSchema);
}

/** The faults of the request that a status names: the gateway's own, or the upstream's BadRequest. */
export function violationsOf(status: Status): readonly FieldViolation[] {
  if (status.origin === "gateway") return status.violations;
  const badRequest = detailOf(status, BadRequestSchema);
  if (badRequest === undefined) return [];
  return badRequest.fieldViolations.map(({ field, description }) => ({ field, description }));
}

/** Whole seconds, rounded up, of the status's RetryInfo, for `Retry-After`; undefined if it has none. */
export function retryAfterSeconds(status: Status): number | undefined {
  const delay = detailOf(status, RetryInfoSchema)?.retryDelay;
  if (delay === undefined) return undefined;
  const seconds = Number(delay.seconds) + (delay.nanos > 0 ? 1 : 0);
  return seconds >= 0 && Number.isSafeInteger(seconds) ? seconds : undefined;
}

/** The first detail of a type, if it decodes. */
function detailOf<Desc extends DescMessage>(status: Status, desc: Desc): MessageShape<Desc> | undefined {
  for (const { typeUrl, value } of status.details) {
    if (typeUrl.slice(typeUrl.lastIndexOf("/") + 1) !== desc.typeName) continue;
    try {
      return fromBinary(desc, value);
    } catch {
      // Bytes that are not what they claim to be are shown as base64 by the renderer, and mean nothing here.
    }
  }
  return undefined;
}
