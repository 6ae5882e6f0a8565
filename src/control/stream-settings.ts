/**
 * How one binding's streams are written: from config, with the fields that number and resume events found in the schema.
 */
import type { Registry } from "@bufbuild/protobuf";
import type { RouteOptions } from "../config/index.ts";
import type { StreamSettings } from "../protocol/index.ts";
import type { Problem } from "../status/index.ts";
import {
  type BindingSpec,
  checkEventIdField,
  checkResumeField,
  compileEventId,
  compileResumeField,
  type TranscodeOptions,
  type TranscoderFactory,
} from "../transcode/index.ts";

/** What there is to know of a binding. */
export interface StreamBinding {
  readonly spec: BindingSpec;
  /** Where its rule stands. */
  readonly where: string;
}

/** The settings of one binding, and what of the config does not fit its types; that part is then left out. */
export function compileStreamSettings(
  { spec, where }: StreamBinding,
  { format, envelope, sse }: RouteOptions["stream"],
  factory: TranscoderFactory,
  options: TranscodeOptions,
  registry: Registry,
): { readonly settings: StreamSettings; readonly problems: readonly Problem[] } {
  const { method, variables } = spec;
  const { event, idField, lastEventIdField, heartbeatMs, retryMs } = sse;
  const problems: Problem[] = [];
  let idOf: StreamSettings["sse"]["idOf"];
  let resumeAfter: StreamSettings["sse"]["resumeAfter"];
  // Client streams have one reply, unary methods too: nothing of theirs is an event.
  const hasEvents = method.kind === "server_streaming" || method.kind === "bidi_streaming";
  if (hasEvents && idField !== "") {
    const problem = checkEventIdField(method.outputShape, idField, where);
    if (problem === undefined) idOf = compileEventId(factory, method, idField, options, registry);
    else problems.push(problem);
  }
  if (hasEvents && lastEventIdField !== "") {
    const problem = variables.includes(lastEventIdField)
      ? boundByPath(lastEventIdField, where)
      : checkResumeField(method.inputShape, lastEventIdField, where);
    if (problem === undefined) resumeAfter = compileResumeField(method.inputShape, lastEventIdField);
    else problems.push(problem);
  }
  return {
    settings: { format, envelope, sse: { event, idOf, resumeAfter, heartbeatMs, retryMs } },
    problems,
  };
}

function boundByPath(field: string, where: string): Problem {
  return {
    severity: "error",
    where,
    what: `stream.sse.lastEventIdField "${field}" is bound by the path`,
    hint: "the path is authoritative; name another field",
  };
}
