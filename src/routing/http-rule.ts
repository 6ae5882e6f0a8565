/**
 * Reads `google.api.HttpRule` out of method options into flat bindings. Templates, methods and field names are still text
 * here: `compile-rules.ts` checks them. Rules of config are flat when they get here: the config module reads them.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { type HttpRule, HttpRuleSchema } from "../gen/google/api/http_pb.ts";
import type { MethodSchema } from "../schema/index.ts";
import type { Problem } from "../status/index.ts";

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

/**
 * Reads the `google.api.http` option of a method; `where` is for problems.
 * @returns undefined if the method has none.
 */
export function readAnnotation(
  method: Pick<MethodSchema, "httpRule">,
  where: string,
): RuleReading | undefined {
  if (method.httpRule === undefined) return undefined;
  const problems: Problem[] = [];
  const rule = decode(method.httpRule);
  if (rule === undefined) {
    problems.push({
      severity: "error",
      where,
      what: "the option google.api.http is not a google.api.HttpRule",
      hint: "compile the descriptors again, with the google/api/http.proto of googleapis",
    });
    return { bindings: [], problems };
  }
  const primary = readBinding(rule, "", where, problems);
  const additional = rule.additionalBindings.flatMap((binding, i) => {
    const part = `additional_bindings[${i}]: `;
    if (binding.additionalBindings.length > 0) {
      problems.push({
        severity: "error",
        where,
        what: `${part}additional_bindings inside additional_bindings, which are left out`,
        hint: "nesting is one level deep: list all of them in the outer rule",
      });
    }
    return readBinding(binding, part, where, problems);
  });
  return { bindings: [...primary, ...additional], problems };
}

function decode(bytes: Uint8Array): HttpRule | undefined {
  try {
    return fromBinary(HttpRuleSchema, bytes);
  } catch {
    return undefined;
  }
}

/** The binding of one rule, or none and a problem. */
function readBinding(
  rule: HttpRule,
  part: string,
  where: string,
  problems: Problem[],
): readonly HttpBinding[] {
  const { pattern, body, responseBody } = rule;
  if (pattern.case === undefined) {
    problems.push({
      severity: "error",
      where,
      what: `${part}the rule has no pattern`,
      hint: "set one of get, put, post, delete, patch and custom",
    });
    return [];
  }
  if (pattern.case === "custom") {
    return [{ httpMethod: pattern.value.kind, template: pattern.value.path, body, responseBody }];
  }
  return [{ httpMethod: pattern.case.toUpperCase(), template: pattern.value, body, responseBody }];
}
