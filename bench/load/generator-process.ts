/** Runs the load generator as a process of its own, so that whoever measures does not disturb it. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { generateLoad, type Load, type LoadResult } from "./generator.ts";

interface Order {
  readonly port: number;
  /** The request as latin1 text. */
  readonly request: string;
  readonly load: Load;
}

type Answer =
  | { readonly result: LoadResult; readonly failure: undefined }
  | { readonly result: undefined; readonly failure: string };

const ROLE = "BENCH_LOAD";

/** As `generateLoad`, in another process. */
export async function forkLoad(port: number, request: Buffer, load: Load): Promise<LoadResult> {
  const child = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, [ROLE]: "1" },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  try {
    const order: Order = { port, request: request.toString("latin1"), load };
    child.send(order);
    const ended = once(child, "exit").then(() => {
      throw new Error("the load generator ended");
    });
    // The process speaks first, and what it sends is an Answer: the code below.
    const [answer] = (await Promise.race([once(child, "message"), ended])) as [Answer];
    if (answer.result === undefined) throw new Error(answer.failure);
    return answer.result;
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill();
      await ended;
    }
  }
}

async function serve(order: Order): Promise<void> {
  let answer: Answer;
  try {
    const result = await generateLoad(order.port, Buffer.from(order.request, "latin1"), order.load);
    answer = { result, failure: undefined };
  } catch (error) {
    answer = { result: undefined, failure: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(answer);
}

if (process.env[ROLE] !== undefined) {
  // Nobody but forkLoad sends to this process.
  process.once("disconnect", () => process.exit(0));
  process.once("message", (order) => void serve(order as Order));
}
