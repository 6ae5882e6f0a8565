export { type ReflectionOptions, ReflectionSource } from "./source.ts";
