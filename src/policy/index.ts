export { isPreflight, type Policy, type PreflightAnswer, type PreflightPolicy } from "./policy.ts";
