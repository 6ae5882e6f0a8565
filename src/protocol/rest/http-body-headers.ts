/**
 * The content type of a raw reply (docs/transcoding.md, "Raw bodies").
 */

/**
 * The header fields for a body of type `contentType`: verbatim, or `application/octet-stream` without sniffing where
 * the upstream gave none (white space is none in a field), or one that no header field can hold.
 */
export function httpBodyHeaders(contentType: string): string[] {
  if (contentType.trim() !== "" && isFieldValue(contentType)) return ["content-type", contentType];
  return ["content-type", "application/octet-stream", "x-content-type-options", "nosniff"];
}

/** RFC 9110, section 5.5: no controls; anything beyond ASCII is not portable. */
function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if ((c < 0x20 && c !== 0x09) || c > 0x7e) return false;
  }
  return true;
}
