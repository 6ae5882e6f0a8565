/**
 * Which rules of config apply to which methods.
 *
 * A selector is a list of patterns joined by commas: a full method name, a qualified name that ends in `.*` for everything
 * below it, however deep, or `*`. Of several rules that select one method the last wins, exact or not.
 * Source: google/api/documentation.proto (`DocumentationRule.selector`), google/api/http.proto (`Http.rules`).
 */
import type { Problem } from "../status/index.ts";
import type { HttpBinding } from "./http-rule.ts";

/** A rule of config, read. */
export interface SelectedRule {
  readonly selector: string;
  readonly source: "config" | "service-config";
  /** Where the rule stands, for problems. */
  readonly where: string;
  readonly bindings: readonly HttpBinding[];
}

/** The rule for each method, by its full name; methods that no rule selects are absent. */
export interface RuleSelection {
  readonly byMethod: ReadonlyMap<string, SelectedRule>;
  readonly problems: readonly Problem[];
}

/** Whether `selector` selects the method `fullName` (`package.Service.Method`). A malformed pattern selects nothing. */
export function selects(selector: string, fullName: string): boolean {
  return patternsOf(selector).some((pattern) => {
    if (pattern === "*") return true;
    if (!isPattern(pattern)) return false;
    // `pkg.*` keeps its dot, so that it does not select `pkgs.Service`.
    return pattern.endsWith(".*") ? fullName.startsWith(pattern.slice(0, -1)) : pattern === fullName;
  });
}

/**
 * Finds the rule for each method. Problems: malformed selectors, and (as warnings) patterns that select no method and
 * rules that later ones leave nothing.
 * @param rules in order of precedence, weakest first: service-config documents, then the upstream's own config.
 */
export function selectRules(
  methods: readonly { readonly fullName: string }[],
  rules: readonly SelectedRule[],
): RuleSelection {
  const byMethod = new Map<string, SelectedRule>();
  const problems: Problem[] = [];
  const effective: SelectedRule[] = [];
  for (const rule of rules) {
    const sound = soundPatterns(rule, problems);
    let selected = 0;
    for (const pattern of sound) {
      const names = methods.filter(({ fullName }) => selects(pattern, fullName));
      for (const { fullName } of names) byMethod.set(fullName, rule);
      selected += names.length;
      if (names.length === 0) problems.push(selectsNothing(pattern, rule.where, methods));
    }
    if (selected > 0) effective.push(rule);
  }
  const winners = new Set(byMethod.values());
  for (const rule of effective) {
    if (winners.has(rule)) continue;
    problems.push({
      severity: "warning",
      where: rule.where,
      what: `the rule for ${rule.selector} has no effect: later rules select the same methods`,
      hint: "the last rule that selects a method wins; remove one, or put this one behind",
    });
  }
  return { byMethod, problems };
}

function patternsOf(selector: string): readonly string[] {
  return selector.split(",").map((pattern) => pattern.trim());
}

function isPattern(text: string): boolean {
  return text === "*" || /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\.\*)?$/.test(text);
}

function soundPatterns(rule: SelectedRule, problems: Problem[]): readonly string[] {
  const [sound, faulty]: [string[], string[]] = [[], []];
  for (const pattern of patternsOf(rule.selector)) (isPattern(pattern) ? sound : faulty).push(pattern);
  for (const pattern of faulty) {
    problems.push({
      severity: "error",
      where: rule.where,
      what: `selector ${JSON.stringify(pattern)} is not a qualified name`,
      hint: "write package.Service.Method, package.* or *; a wildcard is a whole last part",
    });
  }
  return sound;
}

function selectsNothing(
  pattern: string,
  where: string,
  methods: readonly { readonly fullName: string }[],
): Problem {
  const sameLetters = methods.find(({ fullName }) => fullName.toLowerCase() === pattern.toLowerCase());
  return {
    severity: "warning",
    where,
    what: `selector ${pattern} selects no method of the schema`,
    hint:
      sameLetters === undefined
        ? "write package.Service.Method as in the schema, or remove the rule"
        : `names are compared with their case: ${sameLetters.fullName}`,
  };
}
