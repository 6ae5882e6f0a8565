/** What the control plane does in steps, so that requests are served in between, without pauses. */
import { type CompiledSnapshot, compileInSteps } from "../../src/control/index.ts";
import { type BuiltSchema, buildSchemaInSteps } from "../../src/schema/index.ts";

/** As `buildSchemaInSteps`. */
export function buildSchema(...input: Parameters<typeof buildSchemaInSteps>): BuiltSchema {
  return inOneGo(buildSchemaInSteps(...input));
}

/** As `compileInSteps`. */
export function compileSnapshot(...input: Parameters<typeof compileInSteps>): CompiledSnapshot {
  return inOneGo(compileInSteps(...input));
}

function inOneGo<T>(steps: Iterator<undefined, T>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}
