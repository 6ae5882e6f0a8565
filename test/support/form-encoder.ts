/** A `multipart/form-data` encoder as small as can be, for tests: it checks nothing. */

/** One part: its header lines without line ends, and its content. */
export interface FormSource {
  readonly headers: readonly string[];
  readonly data: string | Uint8Array;
}

/** The headers of a part as clients write them. */
export function disposition(name: string, filename?: string, contentType?: string): readonly string[] {
  const file = filename === undefined ? "" : `; filename="${filename}"`;
  const headers = [`Content-Disposition: form-data; name="${name}"${file}`];
  return contentType === undefined ? headers : [...headers, `Content-Type: ${contentType}`];
}

/** The body of a form. */
export function encodeForm(boundary: string, parts: readonly FormSource[]): Buffer {
  const pieces = parts.flatMap(({ headers, data }) => [
    `--${boundary}\r\n${headers.join("\r\n")}\r\n\r\n`,
    data,
    "\r\n",
  ]);
  return Buffer.concat([...pieces, `--${boundary}--\r\n`].map((piece) => Buffer.from(piece)));
}
