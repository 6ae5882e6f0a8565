/** Listeners under test: limits that do not get in the way, and their ports. */
import assert from "node:assert/strict";
import type { EngineLimits, HttpListener } from "../../src/http/index.ts";

export const TEST_LIMITS: EngineLimits = {
  maxHeaderBytes: 32 * 1024,
  maxHeaders: 96,
  maxUrlBytes: 32 * 1024,
  connections: 1000,
  headTimeoutMs: 60_000,
  idleTimeoutMs: 60_000,
  bodyTimeoutMs: 60_000,
  requestsPerConnection: Number.POSITIVE_INFINITY,
};

/** The port of a listener that is on TCP. */
export function portOf({ address }: HttpListener): number {
  assert.ok(address.path === undefined, "not on TCP");
  return address.port;
}
