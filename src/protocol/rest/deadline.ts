/**
 * How long a request may take: the least of what the client and the route say (docs/transcoding.md).
 */
import { findHeader, type HeaderList } from "../../http/index.ts";
import { refuse } from "../../status/index.ts";

const MS_BY_UNIT: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/**
 * Milliseconds from the arrival of the request; Infinity means none.
 *
 * `grpc-timeout` is one to eight digits and a unit (gRPC over HTTP/2, "Timeout"); `x-server-timeout` is seconds, as a
 * decimal number.
 * @throws {StatusError} INVALID_ARGUMENT, reason HEADER_INVALID, if either is malformed.
 */
export function requestDeadlineMs(headers: HeaderList, limitMs: number): number {
  let deadlineMs = limitMs;
  const grpcTimeout = findHeader(headers, "grpc-timeout");
  if (grpcTimeout !== undefined) deadlineMs = Math.min(deadlineMs, parseGrpcTimeout(grpcTimeout));
  const serverTimeout = findHeader(headers, "x-server-timeout");
  if (serverTimeout !== undefined) deadlineMs = Math.min(deadlineMs, parseServerTimeout(serverTimeout));
  return deadlineMs;
}

function parseGrpcTimeout(value: string): number {
  const unitMs = MS_BY_UNIT[value.slice(-1)];
  const digits = value.slice(0, -1);
  if (unitMs === undefined || digits.length === 0 || digits.length > 8 || !isDigits(digits)) {
    throw malformed("grpc-timeout", value, "one to eight digits and a unit of H, M, S, m, u or n");
  }
  return Number(digits) * unitMs;
}

function parseServerTimeout(value: string): number {
  const point = value.indexOf(".");
  const whole = point < 0 ? value : value.slice(0, point);
  const fraction = point < 0 ? "0" : value.slice(point + 1);
  if (value.length > 20 || !isDigits(whole) || !isDigits(fraction)) {
    throw malformed("x-server-timeout", value, "a number of seconds");
  }
  return Number(value) * 1000;
}

function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x30 || c > 0x39) return false;
  }
  return text.length > 0;
}

function malformed(name: string, value: string, expected: string): Error {
  return refuse(
    "HEADER_INVALID",
    `header ${name}: ${JSON.stringify(value.slice(0, 64))} is not ${expected}`,
    name,
  );
}
