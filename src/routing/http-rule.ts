/**
 * Reads `google.api.HttpRule` from its two homes, method options and config, into flat bindings. Templates and field names
 * are still text here: `compile-rules.ts` checks them.
 */
import { type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";
import { http } from "../gen/google/api/annotations_pb.ts";
import type { HttpRule as HttpRuleMessage } from "../gen/google/api/http_pb.ts";
import type { Problem } from "../status/index.ts";
import { shown } from "./percent-decoding.ts";

/** One way to reach a method: an HttpRule without its additional bindings. */
export interface HttpBinding {
  /** `GET`, `PUT`, `POST`, `DELETE`, `PATCH`, a custom kind as written, or `*` for any method. */
  readonly httpMethod: string;
  /** The path template, not parsed yet. */
  readonly template: string;
  /** `*`, a field's name, or "" for none. */
  readonly body: string;
  /** A field's name, or "" for the whole reply. */
  readonly responseBody: string;
}

/** What a rule holds: the primary binding, if it is sound, then the additional ones. */
export interface RuleReading {
  readonly bindings: readonly HttpBinding[];
  readonly problems: readonly Problem[];
}

/** `google.api.HttpRule` as it stands in config (its JSON form; both spellings of names). */
export interface HttpRuleConfig {
  readonly selector?: string | undefined;
  readonly get?: string | undefined;
  readonly put?: string | undefined;
  readonly post?: string | undefined;
  readonly delete?: string | undefined;
  readonly patch?: string | undefined;
  readonly custom?: { readonly kind: string; readonly path: string } | undefined;
  readonly body?: string | undefined;
  readonly responseBody?: string | undefined;
  readonly response_body?: string | undefined;
  readonly additionalBindings?: readonly HttpRuleConfig[] | undefined;
  readonly additional_bindings?: readonly HttpRuleConfig[] | undefined;
}

/** A rule of either home, before it is judged. */
interface RawRule {
  readonly patterns: readonly {
    readonly httpMethod: string;
    readonly template: string;
    readonly isCustom: boolean;
  }[];
  readonly body: string;
  readonly responseBody: string;
  readonly additional: readonly RawRule[];
}

/**
 * Reads the `google.api.http` option of a method.
 * @returns undefined if the method has none.
 */
export function readAnnotation(method: DescMethod, where: string): RuleReading | undefined {
  return hasOption(method, http) ? flatten(fromMessage(getOption(method, http)), where) : undefined;
}

/** Reads a rule from config. Its `selector` is not looked at. */
export function readHttpRuleConfig(rule: HttpRuleConfig, where: string): RuleReading {
  return flatten(fromConfig(rule), where);
}

function fromMessage(rule: HttpRuleMessage): RawRule {
  const { pattern } = rule;
  return {
    patterns:
      pattern.case === undefined
        ? []
        : pattern.case === "custom"
          ? [{ httpMethod: pattern.value.kind, template: pattern.value.path, isCustom: true }]
          : [{ httpMethod: pattern.case.toUpperCase(), template: pattern.value, isCustom: false }],
    body: rule.body,
    responseBody: rule.responseBody,
    additional: rule.additionalBindings.map(fromMessage),
  };
}

function fromConfig(rule: HttpRuleConfig): RawRule {
  const named = [
    ["GET", rule.get],
    ["PUT", rule.put],
    ["POST", rule.post],
    ["DELETE", rule.delete],
    ["PATCH", rule.patch],
  ] as const;
  const patterns = named.flatMap(([httpMethod, template]) =>
    template === undefined ? [] : [{ httpMethod, template, isCustom: false }],
  );
  const custom =
    rule.custom === undefined
      ? []
      : [{ httpMethod: rule.custom.kind, template: rule.custom.path, isCustom: true }];
  return {
    patterns: [...patterns, ...custom],
    body: rule.body ?? "",
    responseBody: rule.responseBody ?? rule.response_body ?? "",
    additional: [...(rule.additionalBindings ?? []), ...(rule.additional_bindings ?? [])].map(fromConfig),
  };
}

function flatten(rule: RawRule, where: string): RuleReading {
  const problems: Problem[] = [];
  const bindings: HttpBinding[] = [];
  take(rule, "", where, bindings, problems);
  for (const [i, additional] of rule.additional.entries()) {
    const part = `additional_bindings[${i}]: `;
    take(additional, part, where, bindings, problems);
    if (additional.additional.length > 0) {
      problems.push({
        severity: "error",
        where,
        what: `${part}additional_bindings inside additional_bindings, which are left out`,
        hint: "nesting is one level deep: list all of them in the outer rule",
      });
    }
  }
  return { bindings, problems };
}

/** Adds the binding of one rule, or the problem why there is none. */
function take(
  rule: RawRule,
  part: string,
  where: string,
  bindings: HttpBinding[],
  problems: Problem[],
): void {
  const [pattern, second] = rule.patterns;
  if (pattern === undefined) {
    problems.push({
      severity: "error",
      where,
      what: `${part}the rule has no pattern`,
      hint: "set one of get, put, post, delete, patch and custom",
    });
    return;
  }
  if (second !== undefined) {
    const methods = rule.patterns.map(({ httpMethod }) => httpMethod).join(", ");
    problems.push({
      severity: "error",
      where,
      what: `${part}the rule has several patterns: ${methods}`,
      hint: "keep one of them and move the others to additional_bindings",
    });
    return;
  }
  if (pattern.isCustom) {
    const problem = customKindProblem(pattern.httpMethod, part, where);
    if (problem !== undefined) problems.push(problem);
    if (problem?.severity === "error") return;
  }
  bindings.push({
    httpMethod: pattern.httpMethod,
    template: pattern.template,
    body: rule.body,
    responseBody: rule.responseBody,
  });
}

/** A method is a token (RFC 9110 sections 5.6.2 and 9.1), and is compared with its case. */
function customKindProblem(kind: string, part: string, where: string): Problem | undefined {
  if (!/^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(kind)) {
    return {
      severity: "error",
      where,
      what: `${part}custom kind ${JSON.stringify(shown(kind))} is not an HTTP method`,
      hint: "write a method such as HEAD, or * for any",
    };
  }
  if (kind === "CONNECT") {
    return {
      severity: "error",
      where,
      what: `${part}custom kind CONNECT cannot be routed`,
      hint: "a CONNECT request has no path (RFC 9110 section 9.3.6); use another method",
    };
  }
  if (kind !== kind.toUpperCase()) {
    return {
      severity: "warning",
      where,
      what: `${part}custom kind ${shown(kind)} has lower-case letters`,
      hint: `methods are compared with their case, and clients send ${shown(kind.toUpperCase())}`,
    };
  }
  return undefined;
}
