/**
 * Control words: what client and gateway tell each other besides messages.
 *
 * A text frame that begins with `@` is one: no JSON text does, of whatever type a message is. After the word come a space
 * and its argument, if it has one.
 *
 *   client to gateway           gateway to client
 *   @end                        @headers {"name":"value",…}    metadata of the reply, if there are any
 *   @headers {"name":"value"}   @type image/png                of the binary frames that follow
 *   @type text/csv              @trailers {"name":"value",…}   metadata after the reply, if there are any
 *                               @status {"code":0,…}           how the call ended; always the last frame
 */
import type { HeaderList } from "../../http/index.ts";
import { refuse } from "../../status/index.ts";

const AT = 0x40;
/** As the default limit of a request's head: what is in here becomes metadata. */
const MAX_WORD_BYTES = 32 * 1024;

/** What a client may say. */
export type ClientWord =
  | { readonly word: "end" }
  | { readonly word: "headers"; readonly headers: HeaderList }
  | { readonly word: "type"; readonly mediaType: string };

/** Whether a text frame is a control word and no message. */
export function isControlWord(data: Uint8Array): boolean {
  return data[0] === AT;
}

/**
 * Reads a control word.
 * @throws {StatusError} INVALID_ARGUMENT, reason FRAME_INVALID, if it is none of the known ones, or longer than 32 KiB.
 */
export function readControlWord(data: Uint8Array): ClientWord {
  if (data.byteLength > MAX_WORD_BYTES) {
    throw refuse("FRAME_INVALID", `a control word is longer than ${MAX_WORD_BYTES} bytes`);
  }
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString();
  const space = text.indexOf(" ");
  const word = space < 0 ? text : text.slice(0, space);
  const argument = space < 0 ? "" : text.slice(space + 1).trim();
  if (word === "@end" && argument === "") return { word: "end" };
  if (word === "@headers") return { word: "headers", headers: readFields(argument) };
  if (word === "@type" && argument !== "") return { word: "type", mediaType: argument };
  throw refuse(
    "FRAME_INVALID",
    `${JSON.stringify(text.slice(0, 64))} is no control word; known are @end, @headers {…} and @type …`,
  );
}

/** A control word of the gateway's with an argument. */
export function controlWord(word: "headers" | "trailers" | "type" | "status", argument: string): string {
  return `@${word} ${argument}`;
}

/** A header list as a JSON object; several values of a name are joined as HTTP joins them. */
export function fieldsJson(fields: HeaderList): string {
  const joined = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? "";
    const before = joined.get(name);
    joined.set(name, before === undefined ? (fields[i + 1] ?? "") : `${before}, ${fields[i + 1]}`);
  }
  // Not an object built key by key: a field may be called `__proto__`.
  return JSON.stringify(Object.fromEntries(joined));
}

function readFields(json: string): HeaderList {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refuse("FRAME_INVALID", '@headers takes a JSON object: {"authorization": "Bearer …"}');
  }
  const fields: string[] = [];
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw refuse("FRAME_INVALID", `@headers: the value of ${JSON.stringify(name.slice(0, 64))} is no text`);
    }
    fields.push(name.toLowerCase(), text);
  }
  return fields;
}
