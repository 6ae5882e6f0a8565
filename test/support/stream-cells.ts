/**
 * The table of streaming over HTTP: every form of requests, times every kind of method, times every form of replies, as
 * conversations with the echo service and the bytes that are to come of them.
 */
import { createHash } from "node:crypto";
import { ONE_REPLY, RAW_REPLY, REQUEST_FORMS, type ReplyForm, replyForms } from "./stream-encodings.ts";

/** The kinds of methods. */
export type Kind = "unary" | "server streaming" | "client streaming" | "bidi";

/** A conversation of some messages, and what it is to be answered with. */
export interface Script {
  /** Method and target. */
  readonly line: string;
  readonly contentType: string;
  /** The body, message by message. */
  readonly pieces: readonly string[];
  /** What ends it. */
  readonly close: string;
  /** The reply's messages, bare. */
  readonly replies: readonly string[];
  readonly replyType: string;
}

/** One field of the table. */
export interface Cell {
  readonly name: string;
  readonly kind: Kind;
  /** Numbers of messages that make sense here. */
  readonly counts: readonly number[];
  readonly reply: ReplyForm;
  /** How many messages to cut at every byte, where that is not the most of `counts`. */
  readonly cutCount?: number;
  /** Whether the request is JSON messages, one by one. */
  readonly takesMessages: boolean;
  /** A conversation of `count` messages; `bad`, from 0, is one that does not fit. */
  readonly script: (count: number, bad?: number) => Script;
}

/** Rules besides the annotations, for bindings without a body. */
export const CELL_RULES: readonly Readonly<Record<string, unknown>>[] = [
  {
    selector: "sluice.test.v1.EchoService.Collect",
    post: "/v1/collect",
    body: "*",
    additionalBindings: [{ get: "/v1/collect/{string_value}" }],
  },
  {
    selector: "sluice.test.v1.EchoService.Converse",
    post: "/v1/converse",
    body: "*",
    additionalBindings: [{ get: "/v1/rooms/{string_value}" }],
  },
];

/** An upload is cut into messages of this many bytes. */
export const UPLOAD_CHUNK_BYTES: number = 1024;

/** Messages with something in them at which a careless parser ends one. */
const MESSAGES = ['{"stringValue":"a"}', '{"int32Value":2}', '{"stringValue":"ü{\\"]"}'] as const;
const TEXTS = ["a", "", 'ü{"]'] as const;
/** Bytes that look like the end of a chunk, or of a line. */
const UPLOAD = "\u0000\r\n0\r\n\r\n";
const BAD_MESSAGE = '{"nope":1}';
const JSON_TYPE = "application/json";
const UPLOAD_TYPE = "image/x-test";
const FORM_TYPE = "application/x-www-form-urlencoded";

/** All fields of the table, for one envelope; under that of grpc-gateway only those that it changes. */
export function streamCells(envelope: "none" | "grpc-gateway"): readonly Cell[] {
  const forms = replyForms(envelope);
  const streams = forms.flatMap((reply) => [
    ...serverStreams(reply),
    ...bidiOfMessages(reply),
    ...bidiOfOne(reply),
  ]);
  return envelope === "none" ? [...unary(), ...clientStreams(), ...raw(), ...streams] : streams;
}

function unary(): readonly Cell[] {
  const one = { kind: "unary", counts: [1], reply: ONE_REPLY, takesMessages: false } as const;
  const [message] = MESSAGES;
  return [
    {
      ...one,
      name: "nothing to JSON",
      script: () => script("GET /v1/any/x", [], ['{"stringValue":"exact"}']),
    },
    { ...one, name: "JSON to JSON", script: () => script("POST /v1/echo", [message], [message], JSON_TYPE) },
    {
      ...one,
      name: "a form to JSON",
      script: () => script("POST /v1/echo", ["string_value=a"], [message], FORM_TYPE),
    },
    {
      ...one,
      name: "an upload to JSON",
      script: () => script("POST /v1/blob", [UPLOAD], [blobReply(UPLOAD_TYPE, [UPLOAD])], UPLOAD_TYPE),
    },
    {
      ...one,
      name: "nothing to raw bytes",
      script: () => ({
        ...script("GET /v1/blob?text=b&content_type=text/b", [], ["b"]),
        replyType: "text/b",
      }),
    },
    {
      ...one,
      name: "an upload to raw bytes",
      script: () => ({
        ...script("POST /v1/blob:mirror", [UPLOAD], [UPLOAD], UPLOAD_TYPE),
        replyType: UPLOAD_TYPE,
      }),
    },
  ];
}

function serverStreams(reply: ReplyForm): readonly Cell[] {
  const cell = { kind: "server streaming", counts: [0, 1, 3], reply, takesMessages: false } as const;
  const counted = (count: number, line: string, pieces: readonly string[], type = ""): Script => ({
    ...script(
      line,
      pieces,
      Array.from({ length: count }, (_, index) => `{"value":${index + 1}}`),
      type,
    ),
    replyType: reply.accept,
  });
  return [
    { ...cell, name: `nothing to ${reply.accept}`, script: (n) => counted(n, `GET /v1/count/${n}`, []) },
    {
      ...cell,
      name: `JSON to ${reply.accept}`,
      script: (n) => counted(n, "POST /v1/count", [`{"to":${n}}`], JSON_TYPE),
    },
    {
      ...cell,
      name: `a form to ${reply.accept}`,
      script: (n) => counted(n, "POST /v1/count", [`to=${n}`], FORM_TYPE),
    },
  ];
}

function clientStreams(): readonly Cell[] {
  const cell = { kind: "client streaming", reply: ONE_REPLY } as const;
  const collected = (texts: readonly string[]): string =>
    texts.length === 0 ? "{}" : JSON.stringify({ messages: texts.length, stringValues: texts });
  return [
    ...REQUEST_FORMS.map((form) => ({
      ...cell,
      name: `${form.name} to JSON`,
      counts: [0, 1, 3],
      takesMessages: true,
      script: (n: number, bad = -1) => ({
        ...script(
          "POST /v1/collect",
          messagesUpTo(n, bad).map(form.piece),
          [collected(TEXTS.slice(0, n))],
          form.contentType,
        ),
        close: form.close(n),
      }),
    })),
    {
      ...cell,
      name: "nothing to JSON",
      counts: [1],
      takesMessages: false,
      script: () => script("GET /v1/collect/a", [], [collected(["a"])]),
    },
    {
      ...cell,
      name: "a form to JSON",
      counts: [1],
      takesMessages: false,
      script: () => script("POST /v1/collect", ["string_value=a"], [collected(["a"])], FORM_TYPE),
    },
    {
      ...cell,
      name: "an upload to JSON",
      counts: [0, 1, 3],
      cutCount: 2,
      takesMessages: false,
      script: (n) => {
        const pieces = uploadOf(n);
        // An empty upload is one message, which has a type.
        const reply = blobReply(UPLOAD_TYPE, n === 0 ? [""] : pieces, "counted");
        return script("POST /v1/blob:stream", pieces, [reply], UPLOAD_TYPE);
      },
    },
  ];
}

function bidiOfMessages(reply: ReplyForm): readonly Cell[] {
  return REQUEST_FORMS.map((form) => ({
    kind: "bidi",
    name: `${form.name} to ${reply.accept}`,
    counts: [0, 1, 3],
    reply,
    takesMessages: true,
    script: (n: number, bad = -1) => ({
      ...script(
        "POST /v1/converse",
        messagesUpTo(n, bad).map(form.piece),
        MESSAGES.slice(0, n),
        form.contentType,
      ),
      close: form.close(n),
      replyType: reply.accept,
    }),
  }));
}

function bidiOfOne(reply: ReplyForm): readonly Cell[] {
  const cell = { kind: "bidi", counts: [1], reply, takesMessages: false } as const;
  const [message] = MESSAGES;
  return [
    {
      ...cell,
      name: `nothing to ${reply.accept}`,
      script: () => ({ ...script("GET /v1/rooms/a", [], [message]), replyType: reply.accept }),
    },
    {
      ...cell,
      name: `a form to ${reply.accept}`,
      script: () => ({
        ...script("POST /v1/converse", ["string_value=a"], [message], FORM_TYPE),
        replyType: reply.accept,
      }),
    },
  ];
}

/** Streams of `google.api.HttpBody`. */
function raw(): readonly Cell[] {
  return [
    {
      kind: "server streaming",
      name: "nothing to raw bytes",
      counts: [1, 3],
      reply: RAW_REPLY,
      takesMessages: false,
      script: (n) => ({
        ...script(`GET /v1/blob:stream?chunks=${n}&text=b&content_type=text/b`, [], Array(n).fill("b")),
        replyType: "text/b",
      }),
    },
    {
      kind: "server streaming",
      name: "an upload to raw bytes",
      counts: [2],
      reply: RAW_REPLY,
      takesMessages: false,
      script: () => ({
        ...script("POST /v1/blob:twice", [UPLOAD], [UPLOAD, UPLOAD], UPLOAD_TYPE),
        replyType: UPLOAD_TYPE,
      }),
    },
    {
      kind: "bidi",
      name: "an upload to raw bytes",
      counts: [1, 3],
      cutCount: 2,
      reply: RAW_REPLY,
      takesMessages: false,
      script: (n) => ({
        ...script("POST /v1/blob:each", uploadOf(n), uploadOf(n), UPLOAD_TYPE),
        replyType: UPLOAD_TYPE,
      }),
    },
  ];
}

function script(
  line: string,
  pieces: readonly string[],
  replies: readonly string[],
  contentType = "",
): Script {
  return { line, contentType, pieces, close: "", replies, replyType: JSON_TYPE };
}

function messagesUpTo(count: number, bad: number): readonly string[] {
  return MESSAGES.slice(0, count).map((message, index) => (index === bad ? BAD_MESSAGE : message));
}

/** An upload of `count` messages: all but the last are full. */
function uploadOf(count: number): readonly string[] {
  const full = UPLOAD.repeat(UPLOAD_CHUNK_BYTES / UPLOAD.length);
  return Array.from({ length: count }, (_, index) => (index + 1 === count ? UPLOAD : full));
}

/** A BlobReply without defaults. */
function blobReply(contentType: string, parts: readonly string[], messages?: "counted"): string {
  const data = Buffer.from(parts.join(""));
  const reply = {
    contentType,
    ...(data.length === 0 ? {} : { sizeBytes: String(data.length) }),
    sha256: createHash("sha256").update(data).digest("base64"),
    messages: messages === "counted" ? parts.length : 1,
  };
  return JSON.stringify(reply);
}
