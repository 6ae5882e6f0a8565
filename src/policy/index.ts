export { isPreflight, type Policy, type PreflightPolicy } from "./policy.ts";
