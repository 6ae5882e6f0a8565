import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { followingConfig, formsOf, leadingConfig } from "../../../../src/app/workers/roles.ts";
import { type Config, parseConfigText } from "../../../../src/config/index.ts";
import { installChanges, unitDigest } from "../../../../src/control/index.ts";

const ADDRESS = { host: "127.0.0.1", port: 4321 };

function configOf(text: string): Config {
  const { config } = parseConfigText(text, "c.yaml", {});
  assert.ok(config !== undefined);
  return config;
}

/** As full as a config can be. */
const FULL = configOf(readFileSync("config/sluice.yaml", "utf8"));

describe("both processes", () => {
  test("have one name for the form of an upstream, whatever they make of its config", () => {
    const [upstream] = leadingConfig(FULL).upstreams;
    assert.ok(upstream !== undefined);
    assert.equal(formsOf(FULL).get(upstream.name), unitDigest(upstream));
  });

  test("refuse no reload that a single process would not refuse", () => {
    const later = configOf(
      "listeners: [{ address: 0.0.0.0:8080 }]\nupstreams: { other: { address: h:1, schema: { reflection: true } } }\n",
    );
    assert.deepEqual(installChanges(FULL, later), []);
    assert.deepEqual(installChanges(leadingConfig(FULL), leadingConfig(later)), []);
    assert.deepEqual(installChanges(followingConfig(FULL, [ADDRESS]), followingConfig(later, [ADDRESS])), []);
  });
});

test("the primary opens no connections ahead and checks no health", () => {
  for (const { connections, health } of leadingConfig(FULL).upstreams) {
    assert.equal(connections.warmUpMs, 0);
    assert.equal(health.check, undefined);
  }
});

test("the primary waits for workers that drain longer than they do themselves", () => {
  assert.ok(leadingConfig(FULL).shutdown.drainTimeoutMs > FULL.shutdown.drainTimeoutMs);
});

test("a worker listens where it is told, without an admin page, and leaves schemas to the primary", () => {
  const config = followingConfig({ ...FULL, strict: true }, [ADDRESS]);
  assert.deepEqual(
    config.listeners.map(({ address }) => address),
    [ADDRESS],
  );
  assert.equal(config.admin.enabled, false);
  assert.equal(config.strict, false, "the primary has judged");
  assert.equal(config.watch, false);
  assert.equal(config.schemaCache, undefined);
  assert.equal(config.shutdown.readinessDelayMs, 0, "the primary has waited");
  for (const { schema } of config.upstreams) {
    assert.equal(schema.reflection?.intervalMs, Number.POSITIVE_INFINITY);
    assert.equal(schema.onBreakingChange, "apply", "the primary has held what is to be held");
  }
});
