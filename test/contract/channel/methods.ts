/**
 * The methods that servers of the channel contract offer, whatever they are made of. test/interop/grpc-go has the same
 * in Go. What a test wants to know of the server it asks by calls, so that a server may be another process.
 *
 *     /test.Bytes/Echo        each message, as it comes
 *     /test.Bytes/Metadata    x-many: one, two and x-raw-bin; at the half-close the metadata that came, as JSON pairs
 *                             (`-bin` values as padded base64), then the trailers x-late and x-late-bin
 *     /test.Bytes/Join        "number of messages:their bytes"
 *     /test.Bytes/Count       as many messages as the first one says: "0", "1", …
 *     /test.Bytes/Flood       after one message, messages of 64 KiB without end
 *     /test.Bytes/Slow        reads nothing until Release; then everything
 *     /test.Bytes/Hang        never answers
 *     /test.Bytes/Fail        NOT_FOUND, with the trailer x-why
 *     /test.Bytes/FailLate    a message at once; after one of the client's, ABORTED
 *     /test.Control/Cancelled ends once the Flood or Hang whose metadata x-id is the message has been cancelled
 *     /test.Control/Release   lets the Slow of that x-id go on
 */
import { Code } from "../../../src/status/index.ts";
import type { Metadata } from "../../../src/upstream/index.ts";
import { valuesOf } from "../../support/grpc-recorder.ts";

/** One call as a server has it. Metadata is flat; values of `-bin` fields are padded base64. */
export interface ServedCall {
  readonly metadata: Metadata;
  /** Reads; before it nothing is taken off the wire. */
  read(onMessage: (message: Buffer) => void, onEnd: () => void): void;
  sendHeaders(metadata: Metadata): void;
  /** False: hold until `onDrain`. */
  write(message: Buffer): boolean;
  onDrain(listener: () => void): void;
  /** Ends the call; `Code.OK` takes no message. */
  end(code: Code, message: string, trailers: Metadata): void;
  onCancelled(listener: () => void): void;
}

export type Method = (call: ServedCall) => void;

/** All methods by path, with a memory of their own. */
export function contractMethods(): ReadonlyMap<string, Method> {
  const gates = new Gates();
  const idOf = ({ metadata }: ServedCall): string => valuesOf(metadata, "x-id").join();
  const noteCancelled = (call: ServedCall): void =>
    call.onCancelled(() => gates.open(`cancelled ${idOf(call)}`));
  return new Map<string, Method>([
    ["/test.Bytes/Echo", (call) => call.read(call.write.bind(call), () => ok(call))],
    ["/test.Bytes/Metadata", describeMetadata],
    ["/test.Bytes/Join", join],
    ["/test.Bytes/Count", count],
    [
      "/test.Bytes/Flood",
      (call) => {
        noteCancelled(call);
        flood(call);
      },
    ],
    ["/test.Bytes/Slow", (call) => gates.onOpen(`release ${idOf(call)}`, () => readAway(call))],
    [
      "/test.Bytes/Hang",
      (call) => {
        noteCancelled(call);
        call.read(
          () => undefined,
          () => undefined,
        );
      },
    ],
    ["/test.Bytes/Fail", (call) => call.end(Code.NOT_FOUND, "no such bök: 100% %2F", ["x-why", "because"])],
    [
      "/test.Bytes/FailLate",
      (call) => {
        call.write(Buffer.from("first"));
        call.read(
          () => call.end(Code.ABORTED, "half-way", []),
          () => undefined,
        );
      },
    ],
    [
      "/test.Control/Cancelled",
      (call) => readOne(call, (id) => gates.onOpen(`cancelled ${id}`, () => ok(call))),
    ],
    [
      "/test.Control/Release",
      (call) =>
        readOne(call, (id) => {
          gates.open(`release ${id}`);
          ok(call);
        }),
    ],
  ]);
}

/** Moments by name: what waits for one goes on when it comes, or at once if it has been. */
class Gates {
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #opened = new Set<string>();

  open(name: string): void {
    this.#opened.add(name);
    for (const go of this.#waiting.get(name) ?? []) go();
    this.#waiting.delete(name);
  }

  onOpen(name: string, go: () => void): void {
    if (this.#opened.has(name)) go();
    else this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), go]);
  }
}

function ok(call: ServedCall): void {
  call.end(Code.OK, "", []);
}

function readAway(call: ServedCall): void {
  call.read(
    () => undefined,
    () => ok(call),
  );
}

function readOne(call: ServedCall, use: (text: string) => void): void {
  call.read(
    (message) => use(message.toString()),
    () => undefined,
  );
}

function describeMetadata(call: ServedCall): void {
  call.sendHeaders(["x-many", "one", "x-many", "two", "x-raw-bin", "//4A"]);
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < call.metadata.length; i += 2) {
    pairs.push([call.metadata[i] ?? "", call.metadata[i + 1] ?? ""]);
  }
  call.read(
    () => undefined,
    () => {
      call.write(Buffer.from(JSON.stringify(pairs)));
      call.end(Code.OK, "", ["x-late", "yes", "x-late-bin", "AQI="]);
    },
  );
}

function join(call: ServedCall): void {
  let messages = 0;
  let bytes = 0;
  call.read(
    (message) => {
      messages++;
      bytes += message.length;
    },
    () => {
      call.write(Buffer.from(`${messages}:${bytes}`));
      ok(call);
    },
  );
}

function count(call: ServedCall): void {
  readOne(call, (limit) => {
    for (let i = 0; i < Number(limit); i++) call.write(Buffer.from(String(i)));
    ok(call);
  });
}

/** Writes until the client's window is full, then once more after every drain. */
function flood(call: ServedCall): void {
  const more = (): void => {
    while (call.write(Buffer.alloc(64 * 1024)));
  };
  call.onDrain(more);
  readOne(call, more);
}
