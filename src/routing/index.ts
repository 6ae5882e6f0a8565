export {
  type BindingSource,
  type CompiledBinding,
  type CompiledRules,
  compileMethodRules,
  compileRules,
} from "./compile-rules.ts";
export { type HttpBinding, type RuleReading, readAnnotation } from "./http-rule.ts";
export { parseTemplate, TemplateError } from "./parse-template.ts";
export { type MatchResult, PathMatcher } from "./path-matcher.ts";
export { PathMatcherBuilder, type RuleOptions } from "./path-matcher-builder.ts";
export type { PathTemplate, TemplateSegment } from "./path-template.ts";
export { type SelectedRule, selectRules } from "./selector.ts";
export type { TrailingSlash } from "./split-path.ts";
