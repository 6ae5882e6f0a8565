/** Loads the set as the product does, step by step, with the time of each. */
import { type Builtins, builtins } from "../../src/app/index.ts";
import { configFromFlags } from "../../src/config/index.ts";
import type { CompiledSnapshot } from "../../src/control/index.ts";
import type { SchemaSet } from "../../src/schema/index.ts";
import { DescriptorFileSource } from "../../src/schema/sources/descriptor-file/index.ts";
import type { Problem } from "../../src/status/index.ts";
import { FakeChannel } from "../support/fake-channel.ts";
import { buildSchema, compileSnapshot } from "../support/in-one-go.ts";
import { megabytes, type Report } from "./report.ts";

/** What was loaded. */
export interface Loaded extends CompiledSnapshot {
  readonly schema: SchemaSet;
  readonly builtins: Builtins;
}

const CONFLICT = /has the shape of (.+?) of /;

/** Loads, and reports times, memory and problems. @throws {Error} if there is no schema. */
export async function load(set: string, report: Report): Promise<Loaded> {
  report.heading("in process");
  const { config } = configFromFlags({ upstream: "127.0.0.1:9", descriptors: [set] }, process.cwd());
  const name = config?.upstreams[0]?.name;
  if (config === undefined || name === undefined) throw new Error("the flags make no config");
  const parts = builtins(config, "0.0.0");

  let from = performance.now();
  const step = (what: string): void => {
    const now = performance.now();
    report.figure(what, `${(now - from).toFixed(0)} ms, RSS ${megabytes(process.memoryUsage.rss())}`);
    from = performance.now();
  };
  const source = new DescriptorFileSource(set);
  const found = await source.load(new AbortController().signal);
  step("read outlines");
  const built = buildSchema([{ origin: source.name, files: found.files }]);
  step("check, link");
  if (built.schema === undefined) throw new Error("the set gives no schema");
  const compiled = compileSnapshot(
    {
      config,
      transcoders: parts.transcoders,
      errorRenderer: parts.errorRenderer,
      cors: parts.cors,
      channels: new Map([[name, new FakeChannel()]]),
      retries: new Map(),
      serviceConfigs: new Map(),
    },
    new Map([[name, built.schema]]),
    [],
    1,
  );
  step("compile the routes");

  const methods = built.schema.services.flatMap((service) => service.methods);
  report.figure("files", `${found.files.length}`);
  report.figure("services", `${built.schema.services.length}`);
  report.figure("methods", `${methods.length}`);
  report.figure("methods with a rule", `${methods.filter((method) => method.httpRule !== undefined).length}`);
  report.figure("routes", `${compiled.snapshot.routes.length}`);
  report.figure("codec", parts.transcoders.name);
  reportProblems([...found.problems, ...built.problems, ...compiled.problems], report);
  return { ...compiled, schema: built.schema, builtins: parts };
}

/** Google's APIs share paths among themselves; anything else is not expected of them. */
function reportProblems(problems: readonly Problem[], report: Report): void {
  const conflicts = problems.filter(({ what }) => CONFLICT.test(what));
  const shared = new Set(conflicts.map(({ what }) => CONFLICT.exec(what)?.[1]));
  report.figure("problems: bindings of a method and path taken", `${conflicts.length}; the first serves`);
  report.figure("method and path pairs of several bindings", `${shared.size}`);
  const others = problems.filter(({ what }) => !CONFLICT.test(what));
  report.figure("other problems", `${others.length}`);
  for (const { where, what } of others) report.mismatch(`unexpected problem at ${where}: ${what}`);
}
