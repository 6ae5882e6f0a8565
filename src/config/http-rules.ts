/**
 * The schema of `google.api.HttpRule` in YAML, as it stands under an upstream's `http.rules` and in a
 * `google.api.Service` document. Both spellings of a field are read. Templates and field names are not looked into
 * here: that takes the routing's parser and the upstream's schema. Source: google/api/http.proto.
 */
import type * as z from "zod";
import { type Fail, list, parsePlainText, section, text } from "./fields.ts";
import { parseSelector } from "./names.ts";
import { complain, type Reading, show } from "./reading.ts";
import type { ConfigPath, HttpBindingConfig, HttpRuleConfig } from "./types.ts";

/** One binding as written. */
interface BindingText {
  readonly method: string;
  readonly template: string;
  readonly body: string;
  readonly responseBody: string;
  /** The key of the pattern: `get`, …, `custom`. */
  readonly key: string;
}

/** One rule as written; `additionalKey` is the spelling of its additional bindings. */
export interface RuleText {
  readonly selector: string;
  readonly primary: BindingText;
  readonly additional: readonly BindingText[];
  readonly additionalKey: string;
}

const PATTERNS = ["get", "put", "post", "delete", "patch", "custom"] as const;

/** The rule at `path`, with its places. */
export function toRuleConfig(
  rule: RuleText,
  path: ConfigPath,
  locate: (path: ConfigPath) => string,
): HttpRuleConfig {
  const place = ({ key, ...binding }: BindingText, at: ConfigPath): HttpBindingConfig => ({
    ...binding,
    where: locate([...at, key]),
  });
  const additional = rule.additional.map((binding, i) => place(binding, [...path, rule.additionalKey, i]));
  return {
    selector: rule.selector,
    bindings: [place(rule.primary, path), ...additional],
    where: locate(path),
  };
}

/** A rule with selector and additional bindings. */
export function ruleSchema(): z.ZodType<RuleText> {
  const additional = list("Further bindings of the same method.", bindingSchema()).optional();
  return section(
    "One `google.api.HttpRule`.",
    {
      selector: text("selector", "The methods: `package.Service.Method`, `package.*` or `*`.", parseSelector),
      ...bindingShape(),
      additionalBindings: additional,
      additional_bindings: additional,
    },
    (value, fail) => {
      checkBinding(value, fail);
      checkSpellings(value, "additionalBindings", "additional_bindings", fail);
    },
  ).transform((value) => ({
    selector: value.selector,
    primary: toBinding(value),
    additional: value.additionalBindings ?? value.additional_bindings ?? [],
    additionalKey: value.additionalBindings === undefined ? "additional_bindings" : "additionalBindings",
  }));
}

/** An additional binding: it has no selector, and none below it. */
function bindingSchema(): z.ZodType<BindingText> {
  return section("One binding.", bindingShape(), checkBinding).transform(toBinding);
}

// The types of the fields are the point of the function; it stays inside the module.
function bindingShape() {
  const template = (method: string) =>
    text("path template", `\`${method}\` at this path template.`, parseTemplateText).optional();
  const responseBody = text(
    "field",
    "The field of the reply that is the body; all of it otherwise.",
    parseFieldText,
  );
  return {
    get: template("GET"),
    put: template("PUT"),
    post: template("POST"),
    delete: template("DELETE"),
    patch: template("PATCH"),
    custom: section("Another HTTP method.", {
      kind: text("HTTP method", "The method, or `*` for any.", parseKind),
      path: text("path template", "The path template.", parseTemplateText),
    }).optional(),
    body: text(
      "field",
      "The field that the request body fills; `*` is every field that the path does not bind.",
      parseFieldText,
    ).optional(),
    responseBody: responseBody.optional(),
    response_body: responseBody.optional(),
  };
}

function toBinding(value: z.output<z.ZodObject<ReturnType<typeof bindingShape>>>): BindingText {
  const key = PATTERNS.find((pattern) => value[pattern] !== undefined) ?? "custom";
  const template = key === "custom" ? value.custom?.path : value[key];
  return {
    method: key === "custom" ? (value.custom?.kind ?? "") : key.toUpperCase(),
    // checkBinding has refused rules without a pattern.
    template: template ?? "",
    body: value.body ?? "",
    responseBody: value.responseBody ?? value.response_body ?? "",
    key,
  };
}

function checkBinding(value: Readonly<Record<string, unknown>>, fail: Fail): void {
  const given = PATTERNS.filter((pattern) => value[pattern] !== undefined);
  const [first, second] = given;
  if (first === undefined) {
    fail("has no HTTP method with a path template", 'add one, such as get: "/v1/books"');
  } else if (second !== undefined) {
    const hint = "keep one; put the other under additionalBindings";
    fail(`has two patterns, ${first} and ${second}`, hint, second, "key");
  }
  checkSpellings(value, "responseBody", "response_body", fail);
}

function checkSpellings(
  value: Readonly<Record<string, unknown>>,
  camel: string,
  snake: string,
  fail: Fail,
): void {
  if (value[camel] === undefined || value[snake] === undefined) return;
  fail(`stands beside ${camel}, which is the same field`, "keep one", snake, "key");
}

function parseTemplateText(value: unknown): Reading<string> {
  if (typeof value !== "string") return complain(`${show(value)} is not a path template`, "put it in quotes");
  if (!value.startsWith("/"))
    return complain(`${show(value)} is not a path template`, "templates start with /");
  return parsePlainText(value);
}

function parseFieldText(value: unknown): Reading<string> {
  return value === "" ? { value } : parsePlainText(value);
}

/** Source: RFC 9110 section 9.1: a method is a token; names are case-sensitive. */
function parseKind(value: unknown): Reading<string> {
  if (typeof value === "string" && /^(?:\*|[!#$%&'+.^_`|~0-9A-Za-z-]{1,64})$/.test(value)) return { value };
  return complain(`${show(value)} is not an HTTP method`, "write a name such as HEAD, or * for any");
}
