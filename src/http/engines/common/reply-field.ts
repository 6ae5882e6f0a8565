/**
 * Which reply fields an engine lets out. Values may come from an upstream's metadata, so they are hostile.
 */

/** Fields that the engine itself writes: a second one would break the framing, or lie. */
const OWNED: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "proxy-connection",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Whether the field may be written as it is: a token as name, a value without control characters, and not one that
 * the engine writes itself. Source: RFC 9110 sections 5.1 and 5.5.
 */
export function isSendableField(name: string, value: string): boolean {
  return isToken(name) && isFieldValue(value) && !OWNED.has(name);
}

/** Whether the value has no control characters but tabs; CR, LF and NUL could split the reply. */
function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return false;
  }
  return true;
}

/** Lower-case letters, digits and `!#$%&'*+-.^_|~` and the backtick; the port's names are lower-case. */
function isToken(name: string): boolean {
  if (name.length === 0) return false;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    const isLetter = code >= 0x61 && code <= 0x7a;
    if (isLetter || code === 0x2d || (code >= 0x30 && code <= 0x39)) continue;
    if (code > 0x7e || !"!#$%&'*+.^_`|~".includes(name.charAt(i))) return false;
  }
  return true;
}

/** Whether the text is ASCII, so that every encoding writes it alike. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return false;
  }
  return true;
}
