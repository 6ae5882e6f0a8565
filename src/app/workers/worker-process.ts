/**
 * A worker as the primary sees it: a process that takes messages, sends some, and ends. The port that the supervisor is
 * tested by, and its implementation on node:cluster, which lets listeners of node:http share a port.
 */
import cluster from "node:cluster";
import type { ToWorker } from "./messages.ts";

/** A process. What is sent to one that has ended is lost. */
export interface WorkerProcess {
  readonly pid: number;
  send(message: ToWorker): void;
  /** Ends it at once. */
  kill(): void;
}

/** What becomes of a process. Nothing comes after `onExit`, and that comes once. */
export interface WorkerEvents {
  onMessage(message: unknown): void;
  /** `how` is for people: `exit code 1`, `SIGKILL`. */
  onExit(how: string): void;
}

/** Starts a process. */
export type StartProcess = (events: WorkerEvents) => WorkerProcess;

/** Processes of `program`, a JavaScript file, with these arguments. Their output is the primary's own. */
export function clusterProcesses(program: string, args: readonly string[]): StartProcess {
  // Workers accept from one shared socket. Under round robin the primary would accept for them, and a connection that it has
  // handed to a worker which dies before it takes it stays open for ever, and its client waits.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: program, args: [...args], serialization: "advanced" });
  return (events) => {
    const worker = cluster.fork();
    let hasEnded = false;
    const end = (how: string): void => {
      if (hasEnded) return;
      hasEnded = true;
      events.onExit(how);
    };
    worker.on("message", (message: unknown) => {
      if (!hasEnded) events.onMessage(message);
    });
    worker.on("exit", (code: number | null, signal: string | null) => end(signal ?? `exit code ${code}`));
    // Also after a start that failed (no process left to be had), which has no exit.
    worker.on("error", (error) => {
      if (worker.process.pid === undefined) end(error.message);
    });
    return {
      pid: worker.process.pid ?? 0,
      // The callback takes the error of a process that has gone meanwhile; its exit tells the rest.
      send: (message) => void worker.process.send(message, undefined, undefined, () => {}),
      kill: () => void worker.process.kill("SIGKILL"),
    };
  };
}
