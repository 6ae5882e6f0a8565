/**
 * What an EventSource makes of a body, after the parsing rules of WHATWG HTML, "Interpreting an event stream". Written from
 * the standard and not from the gateway, so that the two can be held against each other.
 */

/** One dispatched event. */
export interface ParsedEvent {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

/** Everything that a stream says. */
export interface ParsedStream {
  readonly events: readonly ParsedEvent[];
  readonly comments: readonly string[];
  /** The last reconnection time; undefined if the stream sets none. */
  readonly retryMs: number | undefined;
}

/** Parses a whole body. An event that has not been completed by a blank line is dropped, as the standard says. */
export function parseEventStream(body: Uint8Array): ParsedStream {
  // Decoding as the standard says: UTF-8, one BOM taken off.
  const text = new TextDecoder("utf-8").decode(body);
  const events: ParsedEvent[] = [];
  const comments: string[] = [];
  let retryMs: number | undefined;
  let data = "";
  let type = "";
  let idBuffer = "";
  let lastEventId = "";
  const lines = text.split(/\r\n|\n|\r/);
  // What follows the last line end is no line yet.
  for (const line of lines.slice(0, -1)) {
    if (line === "") {
      lastEventId = idBuffer;
      if (data !== "") {
        events.push({
          type: type === "" ? "message" : type,
          data: data.endsWith("\n") ? data.slice(0, -1) : data,
          lastEventId,
        });
      }
      data = "";
      type = "";
      continue;
    }
    const colon = line.indexOf(":");
    if (colon === 0) {
      comments.push(line.slice(1));
      continue;
    }
    const field = colon < 0 ? line : line.slice(0, colon);
    const rest = colon < 0 ? "" : line.slice(colon + 1);
    const value = rest.startsWith(" ") ? rest.slice(1) : rest;
    if (field === "event") type = value;
    else if (field === "data") data += `${value}\n`;
    else if (field === "id" && !value.includes("\0")) idBuffer = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) retryMs = Number(value);
  }
  return { events, comments, retryMs };
}
