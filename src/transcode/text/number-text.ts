/**
 * Numbers from their text, exactly: integers never pass through a float64, and an exponent never decides how much
 * memory is used.
 */

/** Digits of 2^64: longer integers fit no protobuf type. */
const MAX_DIGITS = 20;

/** Whether `text` is a number by RFC 8259 section 6; quoted numbers of ProtoJSON and of queries have the same form. */
export function isNumberText(text: string): boolean {
  let at = text.charCodeAt(0) === 0x2d ? 1 : 0;
  if (text.charCodeAt(at) === 0x30) at++;
  else {
    const end = skipDigits(text, at);
    if (end === at) return false;
    at = end;
  }
  if (text.charCodeAt(at) === 0x2e) {
    const end = skipDigits(text, at + 1);
    if (end === at + 1) return false;
    at = end;
  }
  if ((text.charCodeAt(at) | 0x20) === 0x65) {
    at++;
    if (text.charCodeAt(at) === 0x2b || text.charCodeAt(at) === 0x2d) at++;
    const end = skipDigits(text, at);
    if (end === at) return false;
    at = end;
  }
  return at === text.length;
}

/**
 * The integer that a number's text names (`12`, `1.0`, `1e3`, `120e-1`), or undefined if it has a fraction or more
 * than 20 digits. `text` has to satisfy {@link isNumberText}.
 */
export function integerOf(text: string): bigint | undefined {
  const negative = text.charCodeAt(0) === 0x2d;
  const start = negative ? 1 : 0;
  const wholeEnd = skipDigits(text, start);
  if (wholeEnd === text.length && wholeEnd - start <= MAX_DIGITS) return BigInt(text);
  const hasPoint = text.charCodeAt(wholeEnd) === 0x2e;
  const fractionEnd = hasPoint ? skipDigits(text, wholeEnd + 1) : wholeEnd;
  const fraction = hasPoint ? text.slice(wholeEnd + 1, fractionEnd) : "";
  const digits = text.slice(start, wholeEnd) + fraction;
  let first = 0;
  let last = digits.length;
  while (last > 0 && digits.charCodeAt(last - 1) === 0x30) last--;
  while (first < last && digits.charCodeAt(first) === 0x30) first++;
  if (first === last) return 0n;
  // Number() of a long exponent may be Infinity or inexact; either is far outside what is compared below.
  const exponent = fractionEnd < text.length ? Number(text.slice(fractionEnd + 1)) : 0;
  const zeros = exponent - fraction.length + (digits.length - last);
  if (zeros < 0 || last - first + zeros > MAX_DIGITS) return undefined;
  const magnitude = BigInt(digits.slice(first, last) + "0".repeat(zeros));
  return negative ? -magnitude : magnitude;
}

function skipDigits(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at++;
  return at;
}
