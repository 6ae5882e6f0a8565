/**
 * From the rules of a method to bindings that can be routed: which rule applies, does its template parse, do its variables
 * name fields. Whether `body` and `responseBody` do is the codec's to say.
 */
import type { MethodSchema } from "../schema/index.ts";
import type { Problem } from "../status/index.ts";
import { type HttpBinding, readAnnotation } from "./http-rule.ts";
import { parseTemplate, TemplateError } from "./parse-template.ts";
import type { PathTemplate } from "./path-template.ts";
import { shown } from "./percent-decoding.ts";
import { ANY_METHOD } from "./segment-trie.ts";
import type { SelectedRule } from "./selector.ts";
import { overlappingVariables, variableFault } from "./variable-field.ts";

/** Where a binding came from. */
export type BindingSource = "annotation" | "config" | "service-config" | "auto-mapping";

/** A binding that can be routed. */
export interface CompiledBinding {
  /** As `HttpBinding.httpMethod`. */
  readonly httpMethod: string;
  readonly template: PathTemplate;
  readonly body: string;
  readonly responseBody: string;
  readonly source: BindingSource;
  /** Where the rule stands, for problems that show up later (conflicts). */
  readonly where: string;
}

/** What came of a method's rules. Every fault drops its binding alone. */
export interface CompiledRules {
  readonly bindings: readonly CompiledBinding[];
  readonly problems: readonly Problem[];
}

/** Rules of one source for one method. */
export interface RulesToCompile {
  readonly bindings: readonly HttpBinding[];
  readonly source: BindingSource;
  readonly where: string;
}

/** What a method offers besides its annotation. */
export interface MethodRuleSources {
  /** From `selectRules`; it replaces the annotation. */
  readonly selected: SelectedRule | undefined;
  /** Whether a method without any rule gets `POST /{package.Service}/{Method}`. */
  readonly autoMapping: "on" | "off";
}

/**
 * Compiles the rules that apply to `method`: the selected one of config, else the annotation, else the automatic one.
 * Problems of the annotation itself are among the result's; those of config were told when it was read.
 */
export function compileMethodRules(
  method: Pick<MethodSchema, "fullName" | "rpcPath" | "inputShape" | "httpRule">,
  sources: MethodRuleSources,
): CompiledRules {
  const { selected } = sources;
  if (selected !== undefined) return compileRules(method, selected);
  const annotation = readAnnotation(method, method.fullName);
  if (annotation !== undefined) {
    const rules = { bindings: annotation.bindings, source: "annotation", where: method.fullName } as const;
    const compiled = compileRules(method, rules);
    return { bindings: compiled.bindings, problems: [...annotation.problems, ...compiled.problems] };
  }
  if (sources.autoMapping === "off") return { bindings: [], problems: [] };
  return compileRules(method, {
    bindings: [autoBinding(method)],
    source: "auto-mapping",
    where: method.fullName,
  });
}

/** More than any API has; an upstream that answers reflection is untrusted, and could send a million. */
const MAX_BINDINGS = 1000;

/** Compiles `rules` for `method`. */
export function compileRules(
  method: Pick<MethodSchema, "fullName" | "inputShape">,
  rules: RulesToCompile,
): CompiledRules {
  const bindings: CompiledBinding[] = [];
  const problems: Problem[] = [];
  // A rule of config stands elsewhere than its method, and may select many: its problems name both.
  const subject = rules.where === method.fullName ? "" : `${method.fullName}: `;
  if (rules.bindings.length > MAX_BINDINGS) {
    const what = `${subject}the rule has ${rules.bindings.length} bindings, and the first ${MAX_BINDINGS} count`;
    problems.push({ severity: "error", where: rules.where, what, hint: "remove the others" });
  }
  for (const binding of rules.bindings.slice(0, MAX_BINDINGS)) {
    // An upstream that answers reflection is untrusted, and may send a template of any length.
    const rule = `${subject}${shown(binding.httpMethod)} ${shown(binding.template, 256)}`;
    const fault = methodProblem(binding.httpMethod, subject, rules.where);
    if (fault !== undefined) problems.push(fault);
    if (fault?.severity === "error") continue;
    const template = parse(binding.template);
    if (template instanceof TemplateError) {
      const what = `${rule}: ${template.what}, at offset ${template.offset}`;
      problems.push({ severity: "error", where: rules.where, what, hint: template.hint });
      continue;
    }
    const faults = variableFaults(template, method.inputShape);
    for (const { what, hint } of faults) {
      problems.push({ severity: "error", where: rules.where, what: `${rule}: ${what}`, hint });
    }
    if (faults.length > 0) continue;
    const { httpMethod, body, responseBody } = binding;
    bindings.push({ httpMethod, template, body, responseBody, source: rules.source, where: rules.where });
  }
  return { bindings, problems };
}

/** The binding of a method that has no rule: `POST /{package.Service}/{Method}`, everything in the body. */
function autoBinding(method: Pick<MethodSchema, "rpcPath">): HttpBinding {
  return { httpMethod: "POST", template: method.rpcPath, body: "*", responseBody: "" };
}

function parse(text: string): PathTemplate | TemplateError {
  try {
    return parseTemplate(text);
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
}

function variableFaults(
  template: PathTemplate,
  input: MethodSchema["inputShape"],
): readonly { readonly what: string; readonly hint: string }[] {
  const fieldPaths = template.variables.map(({ fieldPath }) => fieldPath);
  const faults = fieldPaths.flatMap((fieldPath) => variableFault(fieldPath, input) ?? []);
  const overlap = overlappingVariables(fieldPaths);
  if (overlap === undefined) return faults;
  const [outer, inner] = overlap;
  return [...faults, { what: `variable ${inner} lies inside variable ${outer}`, hint: "bind one of them" }];
}

/** A method is a token (RFC 9110 sections 5.6.2 and 9.1), and is compared with its case. */
function methodProblem(kind: string, subject: string, where: string): Problem | undefined {
  if (!/^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(kind)) {
    return {
      severity: "error",
      where,
      what: `${subject}method ${JSON.stringify(shown(kind))} is not an HTTP method`,
      hint: "write a method such as HEAD, or * for any",
    };
  }
  if (kind !== ANY_METHOD && !/^[A-Za-z_-]{1,32}$/.test(kind)) {
    return {
      severity: "error",
      where,
      what: `${subject}method ${shown(kind)} is none that the gateway takes`,
      hint: "write at most 32 letters, - and _, such as PURGE",
    };
  }
  if (kind === "CONNECT") {
    return {
      severity: "error",
      where,
      what: `${subject}method CONNECT cannot be routed`,
      hint: "a CONNECT request has no path (RFC 9110 section 9.3.6); use another method",
    };
  }
  if (kind !== kind.toUpperCase()) {
    return {
      severity: "warning",
      where,
      what: `${subject}method ${shown(kind)} has lower-case letters`,
      hint: `methods are compared with their case, and clients send ${shown(kind.toUpperCase())}`,
    };
  }
  return undefined;
}
