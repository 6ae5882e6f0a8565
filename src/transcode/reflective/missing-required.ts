/** Required fields of proto2 and of editions' LEGACY_REQUIRED. */

import { isReflectMessage, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

/** The dotted path (proto names, `[index]` and `[key]`) of a required field that is unset, or undefined. */
export function missingRequired(message: ReflectMessage): string | undefined {
  for (const field of message.sortedFields) {
    if (!message.isSet(field)) {
      if (field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED) return field.name;
      continue;
    }
    if (field.message === undefined) continue;
    if (field.fieldKind === "message") {
      const inner = missingRequired(message.get(field));
      if (inner !== undefined) return `${field.name}.${inner}`;
    } else {
      for (const [key, item] of message.get(field).entries()) {
        const inner = isReflectMessage(item) ? missingRequired(item) : undefined;
        if (inner !== undefined) return `${field.name}[${String(key)}].${inner}`;
      }
    }
  }
  return undefined;
}
