/** A raw request body, or a file in a form, as a `google.api.HttpBody`: 0A len content_type, 12 len data. */
import type { ByteSink } from "../compiled/byte-sink.ts";
import { type FieldPlan, type MessagePlan, Type, Wire } from "../compiled/plan.ts";
import type { RequestParts } from "../transcoder.ts";

/** What tags and lengths may take besides the two values themselves. */
const FRAME_BYTES = 64;

/**
 * Writes the body and its Content-Type as the HttpBody in `field`, or as the fields of the request itself (`input`).
 * Sizes are known beforehand, so the data is copied once.
 */
export function writeHttpBody(
  wire: ByteSink,
  field: FieldPlan | undefined,
  input: MessagePlan,
  { contentType, body }: Pick<RequestParts, "contentType" | "body">,
): void {
  const message = field?.message ?? input;
  const typeField = message.byNumber(1);
  const dataField = message.byNumber(2);
  const typeBytes = isWritten(typeField, contentType.length) ? Buffer.byteLength(contentType) : -1;
  const dataBytes = isWritten(dataField, body.length) ? body.length : -1;
  wire.ensureLast(body.length + contentType.length * 3 + FRAME_BYTES);
  if (field !== undefined) {
    wire.varint(field.tag);
    if (field.type !== Type.GROUP) wire.varint(fieldSize(typeBytes) + fieldSize(dataBytes));
  }
  if (typeBytes >= 0) {
    wire.byte(0x0a);
    wire.text(contentType);
  }
  if (dataBytes >= 0) {
    wire.byte(0x12);
    wire.varint(dataBytes);
    wire.append(body);
  }
  if (field?.type === Type.GROUP) wire.varint(((field.number << 3) | Wire.END) >>> 0);
}

function isWritten(field: FieldPlan | undefined, length: number): boolean {
  return field !== undefined && (length > 0 || !field.implicit);
}

/** The size of a field with a tag of one byte; -1 bytes are no field. */
function fieldSize(bytes: number): number {
  if (bytes < 0) return 0;
  let size = 2 + bytes;
  for (let rest = bytes; rest > 127; rest = Math.floor(rest / 128)) size++;
  return size;
}
