/**
 * Fields of a message that would have one name in JSON, of which a request could set one alone.
 *
 * As protoc has it: proto3 forbids it, but for messages with `deprecated_legacy_json_field_conflicts`; in proto2 it is
 * the author's own affair. Source: protobuf's compiler, `CheckFieldJsonNameUniqueness`.
 */
import type { DescriptorProto } from "@bufbuild/protobuf/wkt";
import type { ParsedFile } from "./parsed-file.ts";
import { ProtoFault } from "./proto-fault.ts";

/**
 * Checks the messages of a file whose own options are set.
 * @throws {ProtoFault} at the first message with such fields.
 */
export function checkJsonNames({ proto, definitions }: ParsedFile): void {
  if (proto.syntax !== "proto3") return;
  for (const message of proto.messageType) checkMessage(message, proto.package, definitions);
}

function checkMessage(
  { name, field, nestedType, options }: DescriptorProto,
  scope: string,
  definitions: ParsedFile["definitions"],
): void {
  const fullName = scope === "" ? name : `${scope}.${name}`;
  const taken = new Map<string, string>();
  for (const { name: fieldName, jsonName } of options?.deprecatedLegacyJsonFieldConflicts ? [] : field) {
    const other = taken.get(jsonName);
    if (other !== undefined) {
      const at = definitions.find((each) => each.fullName === fullName)?.at ?? { line: 1, column: 1 };
      const what = `message ${fullName}: fields ${other} and ${fieldName} both are "${jsonName}" in JSON`;
      throw new ProtoFault(at, what, "rename one, or give it a json_name");
    }
    taken.set(jsonName, fieldName);
  }
  for (const nested of nestedType) checkMessage(nested, fullName, definitions);
}
