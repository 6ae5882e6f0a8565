/**
 * Every binding is reached by a path made from its template, with the captures that a plain reading of the template gives;
 * and how long a look-up takes.
 */
import type { Route } from "../../src/gateway/index.ts";
import { type CompiledBinding, compileMethodRules, type PathTemplate } from "../../src/routing/index.ts";
import type { MethodSchema } from "../../src/schema/index.ts";
import type { Random } from "../support/random.ts";
import { matcherOf } from "../support/snapshots.ts";
import type { Loaded } from "./load.ts";
import type { Report } from "./report.ts";

const LOOK_UP_GOAL_US = 1.5;
const MEASURED_ROUNDS = 20;
/** The naive reading of the whole table takes milliseconds: it judges every surprise, and one look-up in so many. */
const JUDGED_ONE_IN = 16;

interface Binding {
  readonly method: MethodSchema;
  readonly rule: CompiledBinding;
}

/** Checks every binding and reports. */
export function checkBindings({ schema, snapshot }: Loaded, random: Random, report: Report): void {
  report.heading("bindings");
  const bindings = schema.services
    .flatMap((service) => service.methods)
    .flatMap((method) => bindingsOf(method).map((rule): Binding => ({ method, rule })));
  report.figure("bindings", `${bindings.length}`);
  const first = firstOfShape(bindings);
  const literals = [...new Set(bindings.flatMap(({ rule }) => literalsOf(rule.template)))];
  let judged = 0;
  let surprises = 0;
  for (const [i, { method, rule }] of bindings.entries()) {
    const path = pathFor(rule.template, random, literals);
    const httpMethod = rule.httpMethod === "*" ? "GET" : rule.httpMethod;
    const name = `${httpMethod} ${path} for ${rule.template.text} of ${method.fullName}`;
    report.progress("bindings", i, bindings.length);
    const match = matcherOf(snapshot).match(httpMethod, path);
    if (match.kind !== "found") {
      report.mismatch(`${name}: ${match.kind}`);
      continue;
    }
    const expected = first.get(shapeOf(rule));
    const isExpected = expected !== undefined && isRouteOf(match.value, expected);
    if (!isExpected) surprises++;
    if (!isExpected || i % JUDGED_ONE_IN === 0) {
      judged++;
      const [winner] = matcherOf(snapshot).explain(httpMethod, path);
      if (winner?.outcome !== "matched" || winner.value !== match.value) {
        report.mismatch(`${name}: served by ${match.value.method.fullName}, which the naive reading denies`);
      }
    }
    const template = isExpected ? expected.rule.template : templateOf(match.value, bindings);
    const wanted = template === undefined ? undefined : naiveCaptures(template, path);
    if (JSON.stringify(match.captures) !== JSON.stringify(wanted)) {
      report.mismatch(`${name}: captures ${JSON.stringify(match.captures)}, not ${JSON.stringify(wanted)}`);
    }
  }
  report.figure("served by another rule of precedence", `${surprises}, all judged by the naive reading`);
  report.figure("judged by the naive reading", `${judged}`);
  measureLookUp(matcherOf(snapshot), bindings, random, report);
}

function bindingsOf(method: MethodSchema): readonly CompiledBinding[] {
  return compileMethodRules(method, { selected: undefined, autoMapping: "off" }).bindings;
}

/** The binding that serves a shape: the first in the order of the schema. */
function firstOfShape(bindings: readonly Binding[]): ReadonlyMap<string, Binding> {
  const first = new Map<string, Binding>();
  for (const binding of bindings) {
    const shape = shapeOf(binding.rule);
    if (!first.has(shape)) first.set(shape, binding);
  }
  return first;
}

function shapeOf({ httpMethod, template }: CompiledBinding): string {
  const segments = template.segments.map((segment) =>
    segment.kind === "literal" ? segment.text : segment.kind,
  );
  return `${httpMethod} /${segments.join("/")}:${template.verb}`;
}

function literalsOf({ segments }: PathTemplate): readonly string[] {
  return segments.flatMap((segment) => (segment.kind === "literal" ? [segment.text] : []));
}

function isRouteOf(route: Route, { method, rule }: Binding): boolean {
  return (
    route.method.fullName === method.fullName &&
    route.httpMethod === rule.httpMethod &&
    route.template === rule.template.text
  );
}

function templateOf(route: Route, bindings: readonly Binding[]): PathTemplate | undefined {
  return bindings.find((binding) => isRouteOf(route, binding))?.rule.template;
}

/** A path that fits the template. Values are odd text, or literals of other templates, which lead astray. */
function pathFor(template: PathTemplate, random: Random, literals: readonly string[]): string {
  const value = (): string => {
    if (random.chance(0.2)) return encodeURIComponent(random.pick(literals));
    const text = random.text(6);
    // Segments of dots alone are refused, and empty ones do not fit `*`.
    return encodeURIComponent(/^\.*$/.test(text) ? `v${text}` : text);
  };
  const segments = template.segments.flatMap((segment) => {
    if (segment.kind === "literal") return [encodeURIComponent(segment.text)];
    if (segment.kind === "*") return [value()];
    return Array.from({ length: random.below(4) }, value);
  });
  return `/${segments.join("/")}${template.verb === "" ? "" : `:${template.verb}`}`;
}

/** The captures by the words of http.proto, without the product's code. */
function naiveCaptures(template: PathTemplate, path: string): readonly string[] {
  const end = template.verb === "" ? path.length : path.length - template.verb.length - 1;
  const whole = path.slice(1, end);
  const segments = whole === "" ? [] : whole.split("/");
  const multi = template.segments.findIndex((segment) => segment.kind === "**");
  const shift = segments.length - template.segments.length;
  const at = (index: number): number => (multi >= 0 && index > multi ? index + shift : index);
  return template.variables.map(({ start, end: stop, span }) => {
    const raw = segments.slice(at(start), at(stop));
    if (span === "segment") return decodeURIComponent(raw.join("/"));
    return raw.map((segment) => segment.split(/(%2F)/i).map(decodeAllButSlash).join("")).join("/");
  });
}

function decodeAllButSlash(part: string): string {
  return /^%2F$/i.test(part) ? part : decodeURIComponent(part);
}

function measureLookUp(
  matcher: ReturnType<typeof matcherOf>,
  bindings: readonly Binding[],
  random: Random,
  report: Report,
): void {
  // As clients send them: names and numbers, little to decode.
  const plain = (): string =>
    `${random.pick(["my-project", "us-central1", "item", "x"])}${random.below(10_000)}`;
  const requests = bindings.map(({ rule }) => {
    const segments = rule.template.segments.map((segment) =>
      segment.kind === "literal" ? segment.text : plain(),
    );
    const verb = rule.template.verb === "" ? "" : `:${rule.template.verb}`;
    const method = rule.httpMethod === "*" ? "GET" : rule.httpMethod;
    return [method, `/${segments.join("/")}${verb}`] as const;
  });
  let found = 0;
  const round = (): void => {
    for (const [method, path] of requests) if (matcher.match(method, path).kind === "found") found++;
  };
  round();
  if (found !== requests.length) report.mismatch(`${requests.length - found} plain paths were not found`);
  const bestOfRounds = (): number => {
    let bestMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < MEASURED_ROUNDS; i++) {
      const from = performance.now();
      round();
      bestMs = Math.min(bestMs, performance.now() - from);
    }
    return (bestMs * 1000) / requests.length;
  };
  report.measured(
    `look-up, mean over all (best of ${MEASURED_ROUNDS} rounds)`,
    bestOfRounds(),
    "µs",
    LOOK_UP_GOAL_US,
  );
  // No request is near the one before it, in the table or in memory: what remains are cache misses.
  for (const [i, request] of requests.entries()) {
    const other = random.below(i + 1);
    requests[i] = requests[other] ?? request;
    requests[other] = request;
  }
  report.figure("the same in random order", `${bestOfRounds().toFixed(2)} µs`);
}
