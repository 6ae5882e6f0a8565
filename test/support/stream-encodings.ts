/**
 * What streams look like on the wire, written down a second time: small encoders that share no code with the gateway, for
 * tests that compare bytes.
 */

/** How request messages stand in a body. */
export interface RequestForm {
  readonly name: string;
  readonly contentType: string;
  /** What the `index`-th message, from 0, adds to the body; with it the message is complete. */
  readonly piece: (message: string, index: number) => string;
  /** What ends a body of `count` messages. */
  readonly close: (count: number) => string;
}

/** How reply messages stand in a body. */
export interface ReplyForm {
  readonly accept: string;
  /** What the `index`-th message, from 0, adds to the body. */
  readonly piece: (message: string, index: number) => string;
  /** What ends a body of `count` messages. */
  readonly end: (count: number) => string;
  /** What stands around a `google.rpc.Status` that ends the body; undefined where the connection is reset. */
  readonly failure: readonly [before: string, after: string] | undefined;
}

/** The forms of client streams. */
export const REQUEST_FORMS: readonly RequestForm[] = [
  {
    name: "NDJSON",
    contentType: "application/x-ndjson",
    piece: (message) => `${message}\n`,
    close: () => "",
  },
  {
    name: "concatenated JSON",
    contentType: "application/json",
    piece: (message) => message,
    close: () => "",
  },
  {
    name: "a JSON array",
    contentType: "application/json",
    piece: (message, index) => (index === 0 ? `[${message}` : `, ${message}`),
    close: (count) => (count === 0 ? "[]" : "]"),
  },
  {
    name: "a JSON text sequence",
    contentType: "application/json-seq",
    piece: (message) => `\u001e${message}\n`,
    close: () => "",
  },
];

/** The forms of server streams, each message in `envelope`. */
export function replyForms(envelope: "none" | "grpc-gateway"): readonly ReplyForm[] {
  const inside = (message: string): string => (envelope === "none" ? message : `{"result":${message}}`);
  const line: Omit<ReplyForm, "accept"> = {
    piece: (message) => `${inside(message)}\n`,
    end: () => "",
    failure: ['{"error":', "}\n"],
  };
  return [
    { accept: "application/x-ndjson", ...line },
    { accept: "application/jsonl", ...line },
    {
      accept: "application/json-seq",
      piece: (message) => `\u001e${inside(message)}\n`,
      end: () => "",
      failure: ['\u001e{"error":', "}\n"],
    },
    {
      accept: "text/event-stream",
      piece: (message) => `data: ${inside(message)}\n\n`,
      end: () => "event: end\ndata: {}\n\n",
      failure:
        envelope === "none" ? ["event: error\ndata: ", "\n\n"] : ['event: error\ndata: {"error":', "}\n\n"],
    },
    {
      accept: "application/json",
      piece: (message, index) => (index === 0 ? `[${inside(message)}` : `,\n${inside(message)}`),
      end: (count) => (count === 0 ? "[]" : "]"),
      failure: undefined,
    },
  ];
}

/** Raw bytes, one after another. */
export const RAW_REPLY: ReplyForm = {
  accept: "*/*",
  piece: (message) => message,
  end: () => "",
  failure: undefined,
};

/** The one reply of a method that does not stream. */
export const ONE_REPLY: ReplyForm = RAW_REPLY;

/** Fields of a protobuf message with small numbers and short values: varints and what is delimited by a length. */
export function protoOf(
  ...fields: readonly (readonly [number: number, value: number | string | Buffer])[]
): Buffer {
  return Buffer.concat(
    fields.map(([number, value]) => {
      if (typeof value === "number") return Buffer.concat([varint(number << 3), varint(value)]);
      const bytes = Buffer.from(value);
      return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
    }),
  );
}

/** A body in HTTP/1.1 chunks; those that are empty are left out. Source: RFC 9112 section 7.1. */
export function chunked(pieces: readonly Buffer[]): Buffer {
  const chunks = pieces
    .filter(({ length }) => length > 0)
    .flatMap((piece) => [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
  return Buffer.concat([...chunks, Buffer.from("0\r\n\r\n")]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
