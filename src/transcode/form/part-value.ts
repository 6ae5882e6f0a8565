/** How the value of a form's part is given, and what is wrong with one. */
import { isUtf8 } from "node:buffer";
import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { gatewayStatus, StatusError } from "../../status/index.ts";
import { isHttpBody, isTextForm, wellKnownOf } from "../fields/well-known.ts";
import { decodeText } from "../json/parse-json.ts";
import { refuseParameter } from "../query/parse-query.ts";
import { bodyFormatOf, isPlainText, mediaTypeOf } from "../text/content-type.ts";
import { clip, quote } from "../text/quote.ts";
import { scalarName } from "../text/scalar-text.ts";
import type { FormPart } from "../transcoder.ts";

/** As it is, for bytes and HttpBody; as the ProtoJSON of the field; as the text of a query parameter. */
export type PartForm = "raw" | "json" | "text";

/** Whether a file can fill the field as it is: bytes, a BytesValue or an HttpBody, also as element or map value. */
export function takesFile(field: DescField): boolean {
  if (field.scalar !== undefined) return field.scalar === ScalarType.BYTES;
  const { message } = field;
  if (message === undefined) return false;
  if (isHttpBody(message)) return true;
  return wellKnownOf(message) === "Wrapper" && message.fields[0]?.scalar === ScalarType.BYTES;
}

/** Whether a part is a file: it has a file name, or a type that is neither text nor JSON. */
export function isFilePart({
  contentType,
  hasFilename,
}: Pick<FormPart, "contentType" | "hasFilename">): boolean {
  return hasFilename || !(isPlainText(contentType) || isJsonType(contentType));
}

/**
 * How `part` is to be read for the field.
 * @throws {StatusError} PARAM_INVALID where a part of its type cannot fill the field.
 */
export function partFormOf(field: DescField, part: FormPart): PartForm {
  const { name, contentType } = part;
  if (field.message !== undefined && isHttpBody(field.message)) return "raw";
  if (takesFile(field) && isFilePart(part)) return "raw";
  if (isJsonType(contentType)) return "json";
  if (!isPlainText(contentType)) {
    const type = quote(mediaTypeOf(contentType));
    throw refuseParameter(name, `a part of type ${type} fills bytes or an HttpBody, not ${nameOf(field)}`);
  }
  if (field.message !== undefined && !isTextForm(wellKnownOf(field.message))) {
    throw refuseParameter(name, `${nameOf(field)} is given as a part of type application/json`);
  }
  return "text";
}

/** The text of a part. @throws {StatusError} PARAM_INVALID if it is not UTF-8. */
export function textOfPart({ name, data }: FormPart): string {
  if (!isUtf8(data)) throw refuseParameter(name, "the value is not UTF-8");
  return decodeText(data);
}

/** A fault in the JSON of the part `name`, told with the part in front of the pointer. */
export function inPart(name: string, error: unknown): unknown {
  if (!(error instanceof StatusError) || error.status.reason === undefined) return error;
  const [violation] = error.status.violations;
  if (violation === undefined || (violation.field !== "" && !violation.field.startsWith("/"))) return error;
  const field = `${clip(name, 200)}${violation.field}`;
  const { description } = violation;
  return new StatusError(
    gatewayStatus(error.status.reason, `${field}: ${description}`, [{ field, description }]),
  );
}

/** Unlike a body, a part without a type is text. */
function isJsonType(contentType: string): boolean {
  return contentType !== "" && bodyFormatOf(contentType) === "json";
}

function nameOf({ message, enum: type, scalar }: DescField): string {
  if (message !== undefined) return `a ${message.typeName}`;
  if (type !== undefined) return `the enum ${type.typeName}`;
  return scalar === undefined ? "it" : scalarName(scalar);
}
