/**
 * The requests of the soak: every kind of method and of client, those included that leave, send nonsense or say nothing.
 * Each knows its right answer. Echo's replies hold what was asked, so an answer that belongs to another request is seen.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { WebSocket } from "ws";
import { parseEventStream } from "../support/event-source-parser.ts";
import { type Answer, jsonOf, open, type RequestOptions, send } from "../support/http-request.ts";
import type { Random } from "../support/random.ts";
import { UpstreamFailure } from "./ledger.ts";

/** One kind of request. */
export interface Kind {
  readonly name: string;
  /** How often, against the others. */
  readonly weight: number;
  /** @throws {UpstreamFailure} where the upstream is away, and any other error where the answer is wrong. */
  run(url: string, random: Random): Promise<void>;
}

const UNREACHABLE: ReadonlySet<number> = new Set([502, 503, 504]);
const PATIENCE_MS = 20_000;
const JSON_FIELD: readonly string[] = ["content-type", "application/json"];

/** All of them. */
export const KINDS: readonly Kind[] = [
  {
    name: "GET with a query",
    weight: 20,
    run: async (url, random) => {
      const word = wordOf(random);
      const answer = await asked(url, `GET /v1/echo?string_value=${word}&int64_value=9007199254740993`);
      assert.equal(answer.status, 200);
      assert.deepEqual(partOf(answer, ["stringValue", "int64Value"]), [word, "9007199254740993"]);
    },
  },
  {
    name: "POST",
    weight: 15,
    run: async (url, random) => {
      const words = Array.from({ length: 1 + random.below(40) }, () => wordOf(random));
      const body = JSON.stringify({ repeatedString: words, nested: { stringValue: words[0] } });
      const answer = await asked(url, "POST /v1/echo", { headers: JSON_FIELD, body });
      assert.equal(answer.status, 200);
      assert.deepEqual(partOf(answer, ["repeatedString"]), [words]);
    },
  },
  {
    name: "path variables",
    weight: 10,
    run: async (url, random) => {
      const word = wordOf(random);
      const answer = await asked(url, `GET /v1/shelves/${word}/books/%C3%A9`);
      assert.equal(answer.status, 200);
      assert.deepEqual(partOf(answer, ["stringValue"]), [`shelves/${word}/books/é`]);
    },
  },
  {
    name: "upstream's error",
    weight: 5,
    run: async (url, random) => {
      const word = wordOf(random);
      const answer = await asked(url, `GET /v1/fail/5?message=${word}`);
      assert.equal(answer.status, 404);
      assert.deepEqual(partOf(answer, ["message"]), [word]);
    },
  },
  {
    name: "malformed JSON",
    weight: 5,
    run: async (url, random) => {
      const body = `{"stringValue": "${wordOf(random)}`;
      const answer = await asked(url, "POST /v1/echo", { headers: JSON_FIELD, body });
      assert.equal(answer.status, 400);
      assert.match(answer.body.toString(), /JSON_INVALID/);
    },
  },
  {
    name: "no route",
    weight: 3,
    run: async (url, random) => {
      const answer = await asked(url, `GET /nowhere/${wordOf(random)}`);
      assert.equal(answer.status, 404);
      assert.match(answer.body.toString(), /NO_ROUTE/);
    },
  },
  {
    name: "stream as NDJSON",
    weight: 6,
    run: async (url, random) => {
      const to = 1 + random.below(60);
      const answer = await asked(url, `GET /v1/count/${to}`, { headers: ["accept", "application/x-ndjson"] });
      assert.equal(answer.status, 200);
      const lines = answer.body.toString().trimEnd().split("\n");
      if (/"error"|"code"/.test(lines.at(-1) ?? "")) throw new UpstreamFailure(lines.at(-1));
      assert.deepEqual(lines.map(countOf), numbersTo(to));
    },
  },
  {
    name: "stream as events",
    weight: 6,
    run: async (url, random) => {
      const to = 1 + random.below(30);
      const answer = await asked(url, `GET /v1/count/${to}`, { headers: ["accept", "text/event-stream"] });
      assert.equal(answer.status, 200);
      const { events } = parseEventStream(answer.body);
      const failed = events.find(({ type }) => type === "error");
      if (failed !== undefined) throw new UpstreamFailure(failed.data);
      const messages = events.filter(({ type }) => type === "message");
      assert.deepEqual(
        messages.map(({ data }) => countOf(data)),
        numbersTo(to),
      );
      assert.equal(events.at(-1)?.type, "end");
    },
  },
  {
    name: "download",
    weight: 5,
    run: async (url, random) => {
      const word = wordOf(random);
      const size = 1 + random.below(200_000);
      const answer = await asked(
        url,
        `GET /v1/blob?content_type=image/x-soak&text=${word}&size_bytes=${size}`,
      );
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-type"], "image/x-soak");
      const expected = word.repeat(Math.ceil(size / word.length)).slice(0, size);
      assert.ok(answer.body.equals(Buffer.from(expected)), "other bytes");
    },
  },
  {
    name: "upload",
    weight: 5,
    run: async (url, random) => {
      const body = Buffer.alloc(1 + random.below(300_000), wordOf(random));
      const answer = await asked(url, "POST /v1/blob:stream", {
        headers: ["content-type", "image/x-soak"],
        body,
      });
      assert.equal(answer.status, 200);
      const sha256 = createHash("sha256").update(body).digest("base64");
      assert.deepEqual(partOf(answer, ["sizeBytes", "sha256"]), [String(body.length), sha256]);
    },
  },
  {
    name: "client stream",
    weight: 4,
    run: async (url, random) => {
      const words = Array.from({ length: 1 + random.below(30) }, () => wordOf(random));
      const body = words.map((stringValue) => JSON.stringify({ stringValue })).join("\n");
      const answer = await asked(url, "POST /v1/collect", {
        headers: ["content-type", "application/x-ndjson"],
        body,
      });
      assert.equal(answer.status, 200);
      assert.deepEqual(partOf(answer, ["stringValues"]), [words]);
    },
  },
  { name: "WebSocket", weight: 4, run: converse },
  {
    name: "client leaves a call",
    weight: 4,
    run: (url, random) =>
      speak(url, Buffer.from("GET /v1/hang HTTP/1.1\r\nHost: x\r\n\r\n"), random.below(50)),
  },
  {
    name: "client leaves a stream",
    weight: 4,
    run: async (url) => {
      const response = await opened(url, "GET /v1/hang:stream?to=3");
      await Promise.race([once(response, "data"), once(response, "close"), once(response, "end")]);
      response.destroy();
    },
  },
  { name: "nonsense", weight: 3, run: (url, random) => speak(url, nonsense(random)) },
  {
    name: "half a head",
    weight: 2,
    run: (url) => speak(url, Buffer.from("GET /v1/ping HTTP/1.1\r\nHost: x\r\nX-Ha")),
  },
  { name: "no word", weight: 2, run: (url) => speak(url, Buffer.alloc(0)) },
];

/** A request whose failures that are the upstream's are told apart. */
async function asked(url: string, line: string, options: RequestOptions = {}): Promise<Answer> {
  const answer = await inTime(send(url, line, options));
  if (UNREACHABLE.has(answer.status)) throw new UpstreamFailure(`${answer.status} ${answer.body.toString()}`);
  return answer;
}

async function opened(url: string, line: string): ReturnType<typeof open> {
  const response = await inTime(open(url, line));
  if (UNREACHABLE.has(response.statusCode ?? 0)) {
    response.resume();
    throw new UpstreamFailure(String(response.statusCode));
  }
  return response;
}

/** A conversation: each message comes back. */
async function converse(url: string, random: Random): Promise<void> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/converse`, ["sluice.json"]);
  try {
    await inTime(
      new Promise<void>((resolve, reject) => {
        const words = Array.from({ length: 3 }, () => wordOf(random));
        let told = 0;
        const say = (): void => socket.send(JSON.stringify({ stringValue: words[told] }));
        socket.on("open", say);
        socket.on("message", (data: Buffer) => {
          const text = data.toString();
          if (!text.includes(words[told] ?? "")) {
            reject(
              text.startsWith('@status {"code":14')
                ? new UpstreamFailure(text)
                : new Error(`other words: ${text}`),
            );
            return;
          }
          told += 1;
          if (told === words.length) resolve();
          else say();
        });
        socket.on("unexpected-response", (_, response) => {
          const { statusCode = 0 } = response;
          const isAway = UNREACHABLE.has(statusCode);
          reject(isAway ? new UpstreamFailure(String(statusCode)) : new Error(`status ${statusCode}`));
        });
        // 4014 is UNAVAILABLE.
        socket.on("close", (code) =>
          reject(code === 4014 ? new UpstreamFailure("4014") : new Error(`closed ${code}`)),
        );
        socket.on("error", reject);
      }),
    );
  } finally {
    socket.removeAllListeners("close");
    socket.close();
  }
}

/** Sends bytes on a connection of its own, and leaves once that is closed, or after a moment. */
async function speak(url: string, bytes: Buffer, stayMs = 200): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // Being cut off is an answer too.
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(bytes);
  socket.resume();
  await Promise.race([once(socket, "close"), pause(stayMs)]);
  socket.destroy();
}

function nonsense(random: Random): Buffer {
  const length = 1 + random.below(600);
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

function wordOf(random: Random): string {
  return random
    .below(2 ** 48)
    .toString(36)
    .padStart(10, "x");
}

function numbersTo(to: number): readonly number[] {
  return Array.from({ length: to }, (_, index) => index + 1);
}

function countOf(text: string): unknown {
  const message: unknown = JSON.parse(text);
  return typeof message === "object" && message !== null && "value" in message ? message.value : message;
}

function partOf(answer: Answer, names: readonly string[]): readonly unknown[] {
  const whole = jsonOf(answer);
  assert.ok(typeof whole === "object" && whole !== null);
  return names.map((name) => Reflect.get(whole, name));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** @throws {Error} if it takes far too long: nothing may be lost without an answer. */
async function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
