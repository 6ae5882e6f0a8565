/**
 * Limits for engines under test, and what listeners tell about themselves.
 */
import assert from "node:assert/strict";
import type { EngineLimits, HttpListener } from "../../src/http/index.ts";

/** As the defaults of the config, but for long targets. */
export const TEST_LIMITS: EngineLimits = {
  maxHeaderBytes: 32 * 1024,
  idleTimeoutMs: 60_000,
  connections: 20_000,
  maxHeaders: 96,
  maxUrlBytes: 32 * 1024,
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  requestsPerConnection: Number.POSITIVE_INFINITY,
};

/** The port of a listener that is not on a unix socket. */
export function portOf({ address }: HttpListener): number {
  assert.ok(address.path === undefined, "a TCP address");
  return address.port;
}
