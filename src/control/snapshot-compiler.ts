/**
 * From config and schemas to a snapshot. Pure: equal inputs give equal route tables, and every fault is a problem that
 * drops its own rule alone.
 */
import type { Registry } from "@bufbuild/protobuf";
import {
  type Config,
  type ConfigPath,
  type CorsConfig,
  type HttpRuleConfig,
  type RouteOptions,
  resolveRouteOptions,
  type ServiceConfig,
  type UpstreamConfig,
} from "../config/index.ts";
import type { Route, RoutingSnapshot } from "../gateway/index.ts";
import type { PreflightPolicy } from "../policy/index.ts";
import { type ContentCodings, type ErrorRenderer, isClientStream } from "../protocol/index.ts";
import {
  type CompiledBinding,
  compileMethodRules,
  type SelectedRule,
  selectRules,
} from "../routing/index.ts";
import { joinRegistries, type MethodSchema, type SchemaSet } from "../schema/index.ts";
import type { Problem } from "../status/index.ts";
import {
  checkBinding,
  deferTranscoder,
  type TranscodeOptions,
  type TranscoderFactory,
} from "../transcode/index.ts";
import { type Channel, targetOf, type UpstreamRetries } from "../upstream/index.ts";
import type { CompiledSnapshot } from "./compile-input.ts";
import { type Conflict, ListenerTables } from "./listener-tables.ts";
import { repeatPolicyOf } from "./repeat-policy.ts";
import { ConditionLog } from "./route-conditions.ts";
import { RouteOverrides, unusedOverrides } from "./route-overrides.ts";
import { errorSettings, routeSettings, strayHeaders } from "./route-settings.ts";
import { compileStreamSettings } from "./stream-settings.ts";

/** Services that nobody misses in a REST API. */
const HEALTH = "grpc.health.";

/** What the compiler works with, besides the schemas. */
export interface CompilerParts {
  readonly config: Config;
  readonly transcoders: TranscoderFactory;
  readonly channels: ReadonlyMap<string, Channel>;
  /** For the routes whose calls may be repeated; an upstream that is not here repeats none. */
  readonly retries: ReadonlyMap<string, UpstreamRetries>;
  readonly serviceConfigs: ReadonlyMap<string, ServiceConfig>;
  /** Makes the renderer of error bodies, with the types that details may have. */
  readonly errorRenderer: (registry: Registry) => ErrorRenderer;
  /** The policy of CORS; undefined where it is off. */
  readonly cors: (options: CorsConfig) => PreflightPolicy | undefined;
  /** Without them bodies come and go as they are. */
  readonly contentCodings?: ContentCodings;
}

/**
 * Compiles the route table of all upstreams whose schema is known: a method a step, for whoever has other things to do in
 * between (`TimeSlices.run`).
 */
export function compileInSteps(
  parts: CompilerParts,
  schemas: ReadonlyMap<string, SchemaSet>,
  pendingUpstreams: readonly string[],
  revision: number,
): Iterator<undefined, CompiledSnapshot> {
  return new SnapshotCompilation(parts, schemas).compile(pendingUpstreams, revision);
}

/** One run of the compiler: what it collects on the way. */
class SnapshotCompilation {
  readonly #parts: CompilerParts;
  readonly #schemas: ReadonlyMap<string, SchemaSet>;
  readonly #registry: Registry;
  readonly #renderError: ErrorRenderer;
  readonly #conditions = new ConditionLog();
  readonly #tables: ListenerTables;
  readonly #routes: Route[] = [];
  readonly #problems: Problem[] = [];

  constructor(parts: CompilerParts, schemas: ReadonlyMap<string, SchemaSet>) {
    this.#parts = parts;
    this.#schemas = schemas;
    this.#tables = new ListenerTables(parts.config, this.#conditions);
    // An Any may hold a type of any upstream.
    this.#registry = joinRegistries([...schemas.values()].map(({ registry }) => registry));
    this.#renderError = parts.errorRenderer(this.#registry);
  }

  *compile(pendingUpstreams: readonly string[], revision: number): Generator<undefined, CompiledSnapshot> {
    const { config } = this.#parts;
    for (const upstream of config.upstreams) {
      const schema = this.#schemas.get(upstream.name);
      const channel = this.#parts.channels.get(upstream.name);
      if (schema !== undefined && channel !== undefined) yield* this.#addUpstream(upstream, schema, channel);
    }
    // Of routes that are not known nothing can be said.
    if (config.upstreams.every(({ name }) => this.#schemas.has(name))) {
      this.#reportUnused(config.routes, ["routes"]);
      this.#tell(this.#tables.setProblems);
    }
    const built = this.#tables.build(this.#parts.cors, pendingUpstreams);
    this.#tell(built.problems);
    const strayOptions = resolveRouteOptions(config.defaults);
    const snapshot: RoutingSnapshot = {
      revision,
      listeners: built.tables,
      routes: this.#routes,
      pendingUpstreams,
      registry: this.#registry,
      errors: errorSettings(strayOptions, this.#renderError),
      headers: strayHeaders(strayOptions),
    };
    return { snapshot, problems: this.#problems };
  }

  /** One by one: an upstream may cause more problems than a call can have arguments. */
  #tell(problems: readonly Problem[]): void {
    for (const problem of problems) this.#problems.push(problem);
  }

  *#addUpstream(upstream: UpstreamConfig, schema: SchemaSet, channel: Channel): Generator<undefined, void> {
    const problemsBefore = this.#problems.length;
    const routesBefore = this.#routes.length;
    const methods = schema.services.flatMap((service) => service.methods);
    const selection = selectRules(methods, this.#rulesOf(upstream));
    this.#tell(selection.problems);
    const overrides = new RouteOverrides(
      [this.#defaultsOf(upstream), upstream.options],
      [...this.#parts.config.routes, ...upstream.routes],
      this.#conditions,
    );
    for (const method of methods) {
      yield;
      const { bindings, problems } = compileMethodRules(method, {
        selected: selection.byMethod.get(method.fullName),
        autoMapping: upstream.autoMapping ? "on" : "off",
      });
      this.#tell(problems);
      for (const binding of bindings) this.#addBinding(upstream, channel, method, binding, overrides);
    }
    // Rules that were dropped have been told.
    if (this.#routes.length === routesBefore && this.#problems.length === problemsBefore) {
      const missed = methods.filter(({ fullName }) => !fullName.startsWith(HEALTH)).length;
      if (missed > 0) this.#problems.push(this.#withoutRules(upstream, missed));
    }
    this.#reportUnused(upstream.routes, ["upstreams", upstream.name, "routes"]);
  }

  #withoutRules({ name }: UpstreamConfig, methods: number): Problem {
    return {
      severity: "warning",
      where: this.#parts.config.locate(["upstreams", name]),
      what: `upstream ${name} has no route: it has ${methods} ${methods === 1 ? "method" : "methods"}, and no HTTP rule`,
      hint: "annotate methods with google.api.http, write rules under http.rules, or set autoMapping: true",
    };
  }

  #reportUnused(overrides: Config["routes"], base: ConfigPath): void {
    const { locate } = this.#parts.config;
    this.#tell(unusedOverrides(overrides, base, this.#conditions, locate));
  }

  /** Weakest first: the service config, then the upstream's own rules. */
  #rulesOf(upstream: UpstreamConfig): readonly SelectedRule[] {
    const serviceRules = this.#parts.serviceConfigs.get(upstream.name)?.rules ?? [];
    return [
      ...serviceRules.map((rule) => selectedRule(rule, "service-config")),
      ...upstream.http.rules.map((rule) => selectedRule(rule, "config")),
    ];
  }

  #addBinding(
    upstream: UpstreamConfig,
    channel: Channel,
    method: MethodSchema,
    binding: CompiledBinding,
    overrides: RouteOverrides,
  ): void {
    const { httpMethod, template, body, responseBody, source, where } = binding;
    const variables = template.variables.map(({ fieldPath }) => fieldPath);
    const spec = { method, variables, body, responseBody, httpMethod };
    const problems = checkBinding(spec, where);
    if (problems.length > 0) {
      const rule = `${where === method.fullName ? "" : `${method.fullName}: `}${httpMethod} ${template.text}`;
      this.#tell(problems.map((problem) => ({ ...problem, what: `${rule}: ${problem.what}` })));
      return;
    }
    const subject = { upstream: upstream.name, methodName: method.fullName, httpMethod, template };
    const options = overrides.optionsOf(subject);
    const { transcoders, retries } = this.#parts;
    const transcode = transcodeOptions(options);
    const streams = compileStreamSettings(
      { spec, where },
      options.stream,
      transcoders,
      transcode,
      this.#registry,
    );
    this.#tell(streams.problems);
    const repeatPolicy = repeatPolicyOf(method, httpMethod, options);
    const repeating =
      repeatPolicy === undefined ? undefined : retries.get(upstream.name)?.channelFor(repeatPolicy);
    const route: Route = {
      httpMethod,
      template: template.text,
      source,
      variables,
      body,
      responseBody,
      method,
      upstream: upstream.name,
      policySet: this.#tables.policySetOf(options.cors),
      target: targetOf(upstream.addresses),
      channel: repeating ?? channel,
      transcoder: deferTranscoder(transcoders, spec, transcode, this.#registry),
      wholeMessages:
        body === "" && isClientStream({ method })
          ? deferTranscoder(transcoders, { ...spec, variables: [], body: "*" }, transcode, this.#registry)
          : undefined,
      settings: routeSettings(httpMethod, options, streams.settings, {
        renderError: this.#renderError,
        contentCodings: this.#parts.contentCodings,
      }),
    };
    const { reservedExpansion } = options;
    const added = this.#tables.add({ route, subject, template, options: { reservedExpansion }, where });
    if (added.conflict !== undefined) this.#problems.push(conflict(route, where, added.conflict));
    if (!added.isLost) this.#routes.push(route);
  }

  /** What the service config says is weaker than anything that stands in the gateway's own config. */
  #defaultsOf({ name }: UpstreamConfig): Config["defaults"] {
    const { defaults } = this.#parts.config;
    const fullyDecode = this.#parts.serviceConfigs.get(name)?.fullyDecodeReservedExpansion;
    if (fullyDecode === undefined || defaults.reservedExpansion !== undefined) return defaults;
    return { ...defaults, reservedExpansion: fullyDecode ? "all-except-slash" : "keep-reserved" };
  }
}

function transcodeOptions({ json, unknownFields, ignoredQueryParameters }: RouteOptions): TranscodeOptions {
  return { ...json, unknownFields, ignoredQueryParameters };
}

function selectedRule(
  { selector, where, bindings }: HttpRuleConfig,
  source: SelectedRule["source"],
): SelectedRule {
  return {
    selector,
    where,
    source,
    bindings: bindings.map(({ method, template, body, responseBody }) => ({
      httpMethod: method,
      template,
      body,
      responseBody,
    })),
  };
}

function conflict(route: Route, where: string, { earlier, earlierWhere }: Conflict): Problem {
  const isOneUpstream = route.upstream === earlier.upstream;
  const named = ({ httpMethod, template, method, upstream }: Route): string =>
    `${httpMethod} ${template} of ${method.fullName}${isOneUpstream ? "" : ` at upstream ${upstream}`}`;
  return {
    severity: "error",
    where,
    what: `${named(route)} has the shape of ${named(earlier)} (${earlierWhere})`,
    hint: "the first one serves; change one of the templates",
  };
}
