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

/** The methods of a schema, to be looked up by name. */
interface MethodIndex {
  readonly names: readonly string[];
  readonly known: ReadonlySet<string>;
  /** By the name in lower case, for hints. */
  readonly byLowerCase: ReadonlyMap<string, string>;
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
  const names = methods.map(({ fullName }) => fullName);
  const index: MethodIndex = {
    names,
    known: new Set(names),
    byLowerCase: new Map(names.map((name) => [name.toLowerCase(), name])),
  };
  const byMethod = new Map<string, SelectedRule>();
  const problems: Problem[] = [];
  const effective: SelectedRule[] = [];
  for (const rule of rules) {
    const sound = soundPatterns(rule, problems);
    let selected = 0;
    for (const pattern of sound) {
      const selectedNames = namesOf(pattern, index);
      for (const name of selectedNames) byMethod.set(name, rule);
      selected += selectedNames.length;
      if (selectedNames.length === 0) problems.push(selectsNothing(pattern, rule.where, index));
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

/** The methods that one sound pattern selects. A document may hold a rule for each method, so exact names are not searched. */
function namesOf(pattern: string, index: MethodIndex): readonly string[] {
  if (pattern === "*") return index.names;
  if (!pattern.endsWith(".*")) return index.known.has(pattern) ? [pattern] : [];
  // Its dot stays, so that `pkg.*` does not select `pkgs.Service.Method`.
  const prefix = pattern.slice(0, -1);
  return index.names.filter((name) => name.startsWith(prefix));
}

function isPattern(text: string): boolean {
  return text === "*" || /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\.\*)?$/.test(text);
}

function soundPatterns(rule: SelectedRule, problems: Problem[]): readonly string[] {
  const [sound, faulty]: [string[], string[]] = [[], []];
  for (const part of rule.selector.split(",")) {
    const pattern = part.trim();
    (isPattern(pattern) ? sound : faulty).push(pattern);
  }
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

function selectsNothing(pattern: string, where: string, index: MethodIndex): Problem {
  const sameLetters = index.byLowerCase.get(pattern.toLowerCase());
  return {
    severity: "warning",
    where,
    what: `selector ${pattern} selects no method of the schema`,
    hint:
      sameLetters === undefined
        ? "write package.Service.Method as in the schema, or remove the rule"
        : `names are compared with their case: ${sameLetters}`,
  };
}
