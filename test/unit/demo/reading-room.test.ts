import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Metadata } from "@grpc/grpc-js";
import { EventQueue } from "../../../src/demo/event-queue.ts";
import { ReadingRoom } from "../../../src/demo/reading-room.ts";
import {
  type TalkRequest,
  TalkRequestSchema,
  type TalkResponse,
} from "../../../src/gen/library/v1/library_pb.ts";
import { Code } from "../../../src/status/index.ts";

/** Somebody in the room: says, half-closes, hangs up, and hears one thing after the other. */
class Person {
  readonly #cancelled = new AbortController();
  readonly #requests = new EventQueue<TalkRequest>(100);
  readonly #replies: AsyncIterator<TalkResponse>;

  constructor(room: ReadingRoom) {
    const { signal } = this.#cancelled;
    const call = {
      metadata: new Metadata(),
      deadlineMs: Number.POSITIVE_INFINITY,
      signal,
      headers: new Metadata(),
      trailers: new Metadata(),
    };
    this.#replies = room.talk(this.#requests.events(signal), call)[Symbol.asyncIterator]();
  }

  say(request: MessageInitShape<typeof TalkRequestSchema>): void {
    this.#requests.push(create(TalkRequestSchema, request));
  }

  halfClose(): void {
    this.#requests.end();
  }

  hangUp(): void {
    this.#cancelled.abort();
  }

  /** The next event as text, or "end". */
  async hear(): Promise<string> {
    const { value, done } = await this.#replies.next();
    return done === true ? "end" : `${value.nickname} ${value.event.case} ${value.event.value}`;
  }
}

describe("the reading room", () => {
  it("lets everybody hear what anybody says, and who comes and goes", async () => {
    const room = new ReadingRoom(() => 0);
    const ann = new Person(room);
    ann.say({ nickname: " Ann " });
    assert.equal(await ann.hear(), "Ann joined 1");
    ann.say({ text: "hello" });
    assert.equal(await ann.hear(), "Ann said hello");
    const ben = new Person(room);
    ben.say({ nickname: "Ben", text: "hi" });
    assert.equal(await ben.hear(), "Ann said hello");
    assert.equal(await ben.hear(), "Ben joined 2");
    assert.equal(await ben.hear(), "Ben said hi");
    assert.equal(await ann.hear(), "Ben joined 2");
    assert.equal(await ann.hear(), "Ben said hi");
    ben.halfClose();
    assert.equal(await ben.hear(), "Ben left 1");
    assert.equal(await ben.hear(), "end");
    assert.equal(await ann.hear(), "Ben left 1");
  });

  it("shows out who hangs up", async () => {
    const room = new ReadingRoom(() => 0);
    const [ann, ben] = [new Person(room), new Person(room)];
    ann.say({ nickname: "Ann" });
    assert.equal(await ann.hear(), "Ann joined 1");
    ben.say({ nickname: "Ben" });
    assert.equal(await ben.hear(), "Ben joined 2");
    const waiting = ben.hear();
    ben.hangUp();
    assert.equal(await waiting, "end");
    assert.equal(await ann.hear(), "Ben joined 2");
    assert.equal(await ann.hear(), "Ben left 1");
  });

  it("remembers the last twenty things", async () => {
    const room = new ReadingRoom(() => 0);
    const ann = new Person(room);
    ann.say({ nickname: "Ann" });
    for (let i = 1; i <= 25; i++) ann.say({ text: String(i) });
    for (let i = 0; i <= 25; i++) await ann.hear();
    const ben = new Person(room);
    ben.say({ nickname: "Ben" });
    assert.equal(await ben.hear(), "Ann said 6");
    for (let i = 7; i <= 25; i++) assert.equal(await ben.hear(), `Ann said ${i}`);
    assert.equal(await ben.hear(), "Ben joined 2");
  });

  for (const nickname of ["", "  ", "x".repeat(33)]) {
    it(`needs a nickname other than ${JSON.stringify(nickname)}`, async () => {
      const person = new Person(new ReadingRoom(() => 0));
      person.say({ nickname });
      await assert.rejects(person.hear(), { code: Code.INVALID_ARGUMENT, message: /^nickname: is required/ });
    });
  }

  it("is not entered without a message", async () => {
    const person = new Person(new ReadingRoom(() => 0));
    person.halfClose();
    await assert.rejects(person.hear(), { code: Code.INVALID_ARGUMENT });
  });

  it("shows out who talks too long", async () => {
    const person = new Person(new ReadingRoom(() => 0));
    person.say({ nickname: "Ann", text: "x".repeat(501) });
    assert.equal(await person.hear(), "Ann joined 1");
    assert.equal(await person.hear(), "Ann left 0");
    await assert.rejects(person.hear(), { message: "text: is longer than 500 characters" });
  });

  it("has an end to its room", async () => {
    const room = new ReadingRoom(() => 0);
    for (let i = 1; i <= 200; i++) {
      const person = new Person(room);
      person.say({ nickname: "A" });
      assert.equal(await person.hear(), `A joined ${i}`);
    }
    const late = new Person(room);
    late.say({ nickname: "B" });
    await assert.rejects(late.hear(), { code: Code.RESOURCE_EXHAUSTED });
  });
});
