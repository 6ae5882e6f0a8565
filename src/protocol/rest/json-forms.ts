/**
 * The forms of a stream of JSON values. They differ in the bytes between the values alone:
 *
 *     json       [value,⏎value]      a failure leaves the array open and resets the connection
 *     ndjson     value⏎              a failure is a last line {"error":{…}}       jsonlines.org
 *     json-seq   ␞value⏎             a failure is a last record {"error":{…}}     RFC 7464
 *
 * With the envelope of grpc-gateway each value is `{"result":value}`; its errors look like ours in any case.
 */
import type { Status } from "../../status/index.ts";
import type { ErrorSettings, StreamSettings } from "../protocol.ts";
import type { JoinedWrites } from "./joined-writes.ts";
import { isHttpBody, type Rendered } from "./message-renderer.ts";
import type { StreamForm } from "./stream-writer.ts";

/** The formats that are JSON values with something in between. */
export type JsonFormat = Exclude<StreamSettings["format"], "sse">;

/** The bytes around the values of one format. */
interface Framing {
  readonly layout: StreamForm["layout"];
  /** Before the first value, and before each later one. */
  readonly first: string;
  readonly before: string;
  readonly after: string;
  /** After the last value, and of a stream without values. */
  readonly end: string;
  readonly empty: string;
  readonly failure: "record" | "reset";
}

const FRAMINGS: Readonly<Record<JsonFormat, Framing>> = {
  json: { layout: "free", first: "[", before: ",\n", after: "", end: "]", empty: "[]", failure: "reset" },
  ndjson: { layout: "line", first: "", before: "", after: "\n", end: "", empty: "", failure: "record" },
  "json-seq": {
    layout: "free",
    first: "\u001e",
    before: "\u001e",
    after: "\n",
    end: "",
    empty: "",
    failure: "record",
  },
};

/** The form of `format`, under the name that the client knows it by. */
export function jsonForm(
  format: JsonFormat,
  mediaType: string,
  envelope: StreamSettings["envelope"],
): StreamForm {
  return new JsonForm(FRAMINGS[format], mediaType, envelope === "none" ? ["", ""] : ['{"result":', "}"]);
}

class JsonForm implements StreamForm {
  readonly layout: StreamForm["layout"];
  readonly emptyStatus = 200;
  readonly #mediaType: string;
  readonly #framing: Framing;
  readonly #first: Uint8Array;
  readonly #before: Uint8Array;
  readonly #after: Uint8Array;

  constructor(framing: Framing, mediaType: string, [open, close]: readonly [string, string]) {
    this.layout = framing.layout;
    this.#mediaType = mediaType;
    this.#framing = framing;
    this.#first = Buffer.from(framing.first + open);
    this.#before = Buffer.from(framing.before + open);
    this.#after = Buffer.from(close + framing.after);
  }

  openingHeaders(): string[] {
    // Proxies of nginx's kind would otherwise collect the values before passing them on.
    return ["content-type", this.#mediaType, "vary", "Accept", "x-accel-buffering", "no"];
  }

  write(out: JoinedWrites, rendered: Rendered, index: number): boolean {
    out.add(index === 0 ? this.#first : this.#before);
    const mayGoOn = out.add(jsonBytes(rendered));
    return this.#after.length === 0 ? mayGoOn : out.add(this.#after);
  }

  end(out: JoinedWrites, count: number): void {
    out.add(Buffer.from(count === 0 ? this.#framing.empty : this.#framing.end));
  }

  fail(out: JoinedWrites, status: Status, errors: ErrorSettings): "told" | "reset" {
    if (this.#framing.failure === "reset") return "reset";
    const { before } = this.#framing;
    out.add(Buffer.from(`${before}{"error":${errors.render(status, 200, "google").body}}\n`));
    return "told";
  }
}

/** A message as JSON in UTF-8. */
export function jsonBytes(rendered: Rendered): Uint8Array {
  if (typeof rendered === "string") return Buffer.from(rendered);
  return isHttpBody(rendered) ? rendered.data : rendered;
}
