/**
 * The reading room: who is there hears what anybody says. In memory and bounded.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type TalkRequest, type TalkResponse, TalkResponseSchema } from "../gen/library/v1/library_pb.ts";
import { EventQueue } from "./event-queue.ts";
import type { CallContext } from "./grpc-service.ts";
import { faultOf, invalidArgument, quotaExceeded, type StatusFault } from "./status-fault.ts";

const MAX_PEOPLE = 200;
const MAX_PENDING_EVENTS = 200;
const MAX_REMEMBERED = 20;
const MAX_NICKNAME_LENGTH = 32;
const MAX_TEXT_LENGTH = 500;

/** A room with a memory for what was said last. */
export class ReadingRoom {
  readonly #now: () => number;
  readonly #people: Set<EventQueue<TalkResponse>> = new Set();
  readonly #said: TalkResponse[] = [];

  /** `now` gives epoch milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * One person's stay, from the first request to the last, or until the call is cancelled.
   * @throws {StatusFault} from the iterable: INVALID_ARGUMENT, RESOURCE_EXHAUSTED.
   */
  async *talk(requests: AsyncIterable<TalkRequest>, call: CallContext): AsyncIterable<TalkResponse> {
    const words = requests[Symbol.asyncIterator]();
    const first = await words.next();
    const nickname = requireNickname(first.done === true ? "" : first.value.nickname);
    const ears = this.#enter(nickname);
    try {
      const end = this.#relay(nickname, first, words, ears);
      yield* ears.events(call.signal);
      if (call.signal.aborted) return;
      const fault = await end;
      if (fault !== undefined) throw fault;
    } finally {
      this.#leave(nickname, ears);
    }
  }

  /** Says what one person sends, then shows them out. Resolves, never rejects, with what was wrong. */
  async #relay(
    nickname: string,
    first: IteratorResult<TalkRequest>,
    words: AsyncIterator<TalkRequest>,
    ears: EventQueue<TalkResponse>,
  ): Promise<StatusFault | undefined> {
    try {
      for (let next = first; next.done !== true; next = await words.next()) {
        const text = requireText(next.value.text);
        if (text !== "" && this.#people.has(ears)) this.#say(nickname, text);
      }
      return undefined;
    } catch (error) {
      return faultOf(error);
    } finally {
      this.#leave(nickname, ears);
      ears.end();
    }
  }

  #enter(nickname: string): EventQueue<TalkResponse> {
    if (this.#people.size >= MAX_PEOPLE) {
      throw quotaExceeded("reading-room", `has room for no more than ${MAX_PEOPLE}`, undefined);
    }
    const ears = new EventQueue<TalkResponse>(MAX_PENDING_EVENTS);
    for (const said of this.#said) ears.push(said);
    this.#people.add(ears);
    this.#tell(nickname, { case: "joined", value: this.#people.size });
    return ears;
  }

  #say(nickname: string, text: string): void {
    this.#said.push(this.#tell(nickname, { case: "said", value: text }));
    if (this.#said.length > MAX_REMEMBERED) this.#said.shift();
  }

  /** Once: whoever has left is not there any more. The one who leaves hears it too. */
  #leave(nickname: string, ears: EventQueue<TalkResponse>): void {
    if (!this.#people.delete(ears)) return;
    ears.push(this.#tell(nickname, { case: "left", value: this.#people.size }));
  }

  #tell(nickname: string, event: TalkResponse["event"]): TalkResponse {
    const message = create(TalkResponseSchema, { time: timestampFromMs(this.#now()), nickname, event });
    for (const ears of this.#people) ears.push(message);
    return message;
  }
}

function requireNickname(nickname: string): string {
  const trimmed = nickname.trim();
  if (trimmed !== "" && trimmed.length <= MAX_NICKNAME_LENGTH) return trimmed;
  const description = `is required in the first message, in at most ${MAX_NICKNAME_LENGTH} characters`;
  throw invalidArgument([{ field: "nickname", description }]);
}

function requireText(text: string): string {
  const trimmed = text.trim();
  if (trimmed.length <= MAX_TEXT_LENGTH) return trimmed;
  throw invalidArgument([{ field: "text", description: `is longer than ${MAX_TEXT_LENGTH} characters` }]);
}
