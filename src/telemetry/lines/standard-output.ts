/**
 * Standard output as a destination of lines. A pipe or socket is written without blocking, so that a reader who has stopped
 * does not stop the gateway; anything else, as a file.
 */
import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { descriptorWriter } from "./file-writer.ts";
import { LineBuffer, type LineWriter } from "./line-buffer.ts";

const STDOUT = 1;

/** The process's standard output. To be made once: a pipe cannot be had twice. */
export function openStandardOutput(): LineBuffer {
  const stats = fstatSync(STDOUT);
  const writer = stats.isFIFO() || stats.isSocket() ? pipeWriter(STDOUT) : descriptorWriter(STDOUT);
  // Whoever reads standard output is gone, and there is nobody else to tell. What is lost is counted.
  return new LineBuffer(writer, () => {});
}

function pipeWriter(descriptor: number): LineWriter {
  const socket = new Socket({ fd: descriptor, readable: false, writable: true });
  // Every failed write is told to its own callback.
  socket.on("error", () => {});
  return {
    write: (chunk, done) => void socket.write(chunk, (error) => done(error ?? undefined)),
    reopen: async () => {},
    // It is the process's, and closes with it.
    close: () => {},
  };
}
