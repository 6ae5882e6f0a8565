/**
 * A status as the JSON of `google.rpc.Status`: `{"code", "message", "details"}`.
 * Source: google/rpc/status.proto, AIP-193.
 */
import { create, type Registry, toBinary } from "@bufbuild/protobuf";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { Status, StatusDetail } from "../../status/index.ts";
import { MessageTypes } from "../fields/message-types.ts";
import { TypeNames } from "../fields/type-names.ts";
import type { CodecScope } from "../reflective/codec-scope.ts";
import { MessageWriter, writeAny, writeRawAny } from "../reflective/write-json.ts";
import type { StatusRenderer } from "../transcoder.ts";
import { GATEWAY_DOMAIN } from "./known-details.ts";

/** Deepest nesting of a detail; a deeper one is kept as base64. */
const MAX_DEPTH = 100;

const TYPE_URL_PREFIX = "type.googleapis.com/";

/**
 * Makes the renderer for statuses whose details may be of any type in `registry`, of `google.rpc`, or well-known.
 *
 * A detail of another type, or one that does not decode, stays as `{"@type", "value": base64}`. The gateway's own
 * statuses carry an ErrorInfo (domain `sluice`) and, for faults of the request, a BadRequest.
 */
export function createStatusRenderer(registry: Registry): StatusRenderer {
  const details = createDetailsRenderer(registry);
  return (status) =>
    `{"code":${status.code},"message":${JSON.stringify(status.message)},"details":${details(status)}}`;
}

/** Makes the renderer of the details alone, as a JSON array. It never throws. */
export function createDetailsRenderer(registry: Registry): StatusRenderer {
  const scope: CodecScope = {
    types: new MessageTypes(),
    names: new TypeNames(registry),
    maxDepth: MAX_DEPTH,
  };
  return (status) =>
    `[${detailsOf(status)
      .map((detail) => detailToJson(scope, detail))
      .join(",")}]`;
}

/** The details of a status, with those that the gateway adds to its own. */
function detailsOf(status: Status): readonly StatusDetail[] {
  if (status.reason === undefined) return status.details;
  const info = create(ErrorInfoSchema, { reason: status.reason, domain: GATEWAY_DOMAIN });
  const own = [
    { typeUrl: TYPE_URL_PREFIX + ErrorInfoSchema.typeName, value: toBinary(ErrorInfoSchema, info) },
  ];
  if (status.violations.length > 0) {
    const fieldViolations = status.violations.map(({ field, description }) => ({ field, description }));
    const badRequest = create(BadRequestSchema, { fieldViolations });
    own.push({
      typeUrl: TYPE_URL_PREFIX + BadRequestSchema.typeName,
      value: toBinary(BadRequestSchema, badRequest),
    });
  }
  return [...own, ...status.details];
}

function detailToJson(scope: CodecScope, { typeUrl, value }: StatusDetail): string {
  const options = {
    emitDefaults: false,
    enumsAsNumbers: false,
    int64: "string",
    protoFieldNames: false,
    pretty: false,
  } as const;
  const writer = new MessageWriter(scope, options);
  try {
    writeAny(writer, typeUrl, value);
    return writer.out.text;
  } catch {
    // A fault in a schema must not cost the client its error.
    const raw = new MessageWriter(scope, options);
    writeRawAny(raw.out, typeUrl, value);
    return raw.out.text;
  }
}
