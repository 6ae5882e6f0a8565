/**
 * Compiles a route table from YAML and the descriptor sets of the tests, as the control plane does.
 */
import { readFileSync } from "node:fs";
import { createErrorRenderer } from "../../../src/app/error-renderer.ts";
import { type Config, parseConfigText, type ServiceConfig } from "../../../src/config/index.ts";
import type { CompiledSnapshot } from "../../../src/control/index.ts";
import type { Route } from "../../../src/gateway/index.ts";
import { CorsPolicy } from "../../../src/policy/cors/index.ts";
import { readDescriptorSet, type SchemaSet } from "../../../src/schema/index.ts";
import { createReflectiveFactory } from "../../../src/transcode/index.ts";
import { type Channel, UpstreamRetries } from "../../../src/upstream/index.ts";
import { FakeChannel } from "../../support/fake-channel.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { buildSchema, compileSnapshot } from "../../support/in-one-go.ts";
import { matcherOf } from "../../support/snapshots.ts";

/** `sluice.test.v1.EchoService`. */
export const ECHO: SchemaSet = schemaOf("test/fixtures/echo/echo.binpb");
/** `library.v1.LibraryService`. */
export const LIBRARY: SchemaSet = schemaOf("descriptors/library.binpb");

function schemaOf(file: string): SchemaSet {
  const files = readDescriptorSet(readFileSync(file));
  const { schema } = buildSchema([{ origin: file, files }]);
  if (schema === undefined) throw new Error(`${file} gives no schema`);
  return schema;
}

/** What goes into a compilation; the schema of every upstream is the echo service's unless given. */
export interface CompileInput {
  /** The YAML of `upstreams:` and whatever stands beside it; without `listeners:` there is one. */
  readonly yaml: string;
  readonly schemas?: Readonly<Record<string, SchemaSet>>;
  readonly serviceConfigs?: Readonly<Record<string, ServiceConfig>>;
  readonly pending?: readonly string[];
  /** By upstream; those of upstreams that are not here are the compilation's own. */
  readonly channels?: Readonly<Record<string, Channel>>;
}

/** Reads `yaml` as sluice.yaml; faulty rules are left out, other faults throw. */
export function configOf(yaml: string): Config {
  const listeners = yaml.includes("listeners:") ? "" : "listeners: [{ address: 127.0.0.1:0 }]\n";
  const text = `${listeners}${yaml}`;
  const { config, problems } = parseConfigText(text, "sluice.yaml", {});
  if (config === undefined) throw new Error(JSON.stringify(problems));
  return config;
}

/** Compiles `input`. */
export function compile(input: CompileInput): CompiledSnapshot {
  const config = configOf(input.yaml);
  const names = config.upstreams.map(({ name }) => name);
  const channels = new Map(names.map((name) => [name, input.channels?.[name] ?? new FakeChannel()]));
  const clock = new FakeClock();
  const surroundings = { now: () => clock.now, random: () => 0, timers: clock };
  const retries = config.upstreams.map(({ name, retryBudget }) => {
    return [
      name,
      new UpstreamRetries(channels.get(name) ?? new FakeChannel(), retryBudget, surroundings),
    ] as const;
  });
  const schemas = input.schemas ?? Object.fromEntries(names.map((name) => [name, ECHO]));
  return compileSnapshot(
    {
      config,
      transcoders: createReflectiveFactory(),
      channels,
      retries: new Map(retries),
      serviceConfigs: new Map(Object.entries(input.serviceConfigs ?? {})),
      errorRenderer: createErrorRenderer,
      cors: (options) => (options.enabled ? new CorsPolicy(options) : undefined),
    },
    new Map(Object.entries(schemas)),
    input.pending ?? [],
    7,
  );
}

/** The route that serves a request. */
export function routeOf({ snapshot }: CompiledSnapshot, method: string, path: string): Route {
  const match = matcherOf(snapshot).match(method, path, "strict");
  if (match.kind !== "found") throw new Error(`${method} ${path}: ${match.kind}`);
  return match.value;
}
