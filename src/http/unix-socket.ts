/**
 * The file of a unix socket that a listener is about to take, and gives back at its end.
 *
 * A process that was killed leaves its file behind, and `bind` fails on any file that is there. So one that nobody listens on
 * is removed first; a file that is no socket, or one that answers, never is.
 */
import { chmodSync, lstatSync, type Stats, unlinkSync } from "node:fs";
import { connect } from "node:net";
import type { UnixAddress } from "./engine.ts";
import { ListenError } from "./listen-error.ts";

/** The file of a bound socket: which one it is, so that a successor's is not taken for it. */
export interface SocketFile {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/**
 * Makes the path free, so that it can be bound.
 * @throws {ListenError} (rejects) EADDRINUSE if a process listens there, ENOTSOCK if the file is no socket, or what the
 * system says of the file.
 */
export async function freeSocketPath(address: UnixAddress): Promise<void> {
  const { path } = address;
  const found = statOf(address);
  if (found === undefined) return;
  if (!found.isSocket()) throw new ListenError(address, "ENOTSOCK", "the file there is no socket");
  if (await hasListener(address)) {
    throw new ListenError(address, "EADDRINUSE", "another process listens there");
  }
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw failed(address, error);
  }
}

/**
 * Gives the file of a socket that was just bound its permissions.
 * @throws {ListenError} with what the system says.
 */
export function takeSocketFile(address: UnixAddress): SocketFile {
  const { path, mode } = address;
  try {
    chmodSync(path, mode);
    const { dev, ino } = lstatSync(path);
    return { path, device: dev, inode: ino };
  } catch (error) {
    throw failed(address, error);
  }
}

/** Removes the file, if it is still the one that was taken. */
export function removeSocketFile({ path, device, inode }: SocketFile): void {
  try {
    const { dev, ino } = lstatSync(path);
    if (dev === device && ino === inode) unlinkSync(path);
  } catch {
    // It is gone already, or may not be removed; the next start deals with what is left.
  }
}

function statOf(address: UnixAddress): Stats | undefined {
  try {
    return lstatSync(address.path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw failed(address, error);
  }
}

/** Whether somebody accepts connections; a socket that may not be connected to is left to whoever owns it. */
function hasListener(address: UnixAddress): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(address.path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) => {
      const code = codeOf(error);
      if (code === "ECONNREFUSED" || code === "ENOENT") resolve(false);
      // A listener whose queue is full is one, too.
      else if (code === "EAGAIN") resolve(true);
      else reject(failed(address, error));
    });
  });
}

function failed(address: UnixAddress, error: unknown): ListenError {
  return new ListenError(
    address,
    codeOf(error) ?? "UNKNOWN",
    error instanceof Error ? error.message : String(error),
  );
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
