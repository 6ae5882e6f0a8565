/** Questions and answers of `grpc.health.v1.Health`. Source: grpc/health/v1/health.proto. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from "../../gen/grpc/health/v1/health_pb.ts";

/** Asks once. */
export const CHECK_PATH = "/grpc.health.v1.Health/Check";

/** Is told now, and of every change. */
export const WATCH_PATH = "/grpc.health.v1.Health/Watch";

/** What an endpoint says of itself; `invalid` where that cannot be read. */
export type HealthAnswer = "serving" | "not serving" | "service unknown" | "unknown" | "invalid";

/** A question for the health of `service`; "" is the server as a whole. */
export function healthQuestion(service: string): Uint8Array {
  return toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service }));
}

/** Reads an answer. Statuses that the proto does not know count as `unknown`, which is not serving. */
export function readHealthAnswer(message: Uint8Array): HealthAnswer {
  try {
    return ANSWERS.get(fromBinary(HealthCheckResponseSchema, message).status) ?? "unknown";
  } catch {
    return "invalid";
  }
}

const ANSWERS: ReadonlyMap<HealthCheckResponse_ServingStatus, HealthAnswer> = new Map([
  [HealthCheckResponse_ServingStatus.SERVING, "serving"],
  [HealthCheckResponse_ServingStatus.NOT_SERVING, "not serving"],
  [HealthCheckResponse_ServingStatus.SERVICE_UNKNOWN, "service unknown"],
]);
