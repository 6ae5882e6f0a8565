/** The upstream of the proofs as they see it: a child process that tells of its calls. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** What makes an event about a kilobyte of JSON. */
export const EVENT_PADDING_BYTES: number = 750;

/** What the process is asked over IPC. */
export interface Order {
  readonly what: "report" | "release";
  readonly call: string;
  readonly ticket: number;
}

/** One call as the upstream knows it. */
export interface CallReport {
  readonly ticket: number;
  /** Whether the call has come. */
  readonly isKnown: boolean;
  /** Bytes of messages that have left for the gateway. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Of the blob, in hexadecimal; empty until it is complete. */
  readonly sha256: string;
  readonly isOver: boolean;
}

/** Whether a message of IPC is an order. */
export function isOrder(value: unknown): value is Order {
  return (
    typeof value === "object" && value !== null && "what" in value && "call" in value && "ticket" in value
  );
}

/** A running upstream. */
export class ProofUpstream {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #waiting: Map<number, (report: CallReport) => void> = new Map();
  #tickets = 0;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    child.on("message", (message) => {
      // The process answers with reports alone, once it has told its port.
      const report = message as CallReport;
      this.#waiting.get(report.ticket)?.(report);
      this.#waiting.delete(report.ticket);
    });
  }

  static async start(): Promise<ProofUpstream> {
    const child = fork(fileURLToPath(new URL("./upstream-process.js", import.meta.url)));
    const [port] = await once(child, "message");
    return new ProofUpstream(child, Number(port));
  }

  /** The state of the call whose metadata name it `call`. */
  report(call: string): Promise<CallReport> {
    const ticket = ++this.#tickets;
    return new Promise((resolve) => {
      this.#waiting.set(ticket, resolve);
      this.#order({ what: "report", call, ticket });
    });
  }

  /** Lets a call that came with `x-proof-held` go on. */
  release(call: string): void {
    this.#order({ what: "release", call, ticket: 0 });
  }

  stop(): void {
    this.#child.kill();
  }

  #order(order: Order): void {
    this.#child.send(order);
  }
}
