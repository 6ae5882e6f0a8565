/**
 * Many bare connections to one port, for tests of what a server bears.
 */
import { connect, type Socket } from "node:net";

/** Connections that are opened at the same time; more would only wait in the server's queue. */
const WAVE = 200;

/** One connection, and what came back on it. */
class CrowdMember {
  readonly socket: Socket;
  received = "";
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.received += text;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  /** Sends, if the server has not closed yet. */
  send(text: string): void {
    if (!this.isClosed && this.socket.writable) this.socket.write(text, "latin1");
  }
}

/** Connections that live and die together. */
export class Crowd {
  readonly members: readonly CrowdMember[];

  private constructor(members: readonly CrowdMember[]) {
    this.members = members;
  }

  /**
   * Opens `size` connections, and sends `greeting` on each; with `awaitReply` the next ones come when these were answered.
   */
  static async gather(
    port: number,
    size: number,
    greeting: string,
    pace: "await replies" | "do not wait",
  ): Promise<Crowd> {
    const members: CrowdMember[] = [];
    while (members.length < size) {
      const count = Math.min(WAVE, size - members.length);
      const wave = Array.from({ length: count }, () => openMember(port, greeting, pace));
      members.push(...(await Promise.all(wave)));
    }
    return new Crowd(members);
  }

  /** How many the server has closed. */
  get closed(): number {
    return this.members.filter(({ isClosed }) => isClosed).length;
  }

  send(text: string): void {
    for (const member of this.members) member.send(text);
  }

  /** Resolves when the server has closed all of them. */
  async allClosed(): Promise<void> {
    await Promise.all(
      this.members.map(
        ({ socket, isClosed }) =>
          new Promise<void>((resolve) => {
            if (isClosed) resolve();
            else socket.once("close", () => resolve());
          }),
      ),
    );
  }

  /** Resolves when every member has received a text that fits, or is closed. */
  async received(fits: RegExp): Promise<void> {
    await Promise.all(this.members.map((member) => heard(member, (text) => fits.test(text))));
  }

  leave(): void {
    for (const { socket } of this.members) socket.destroy();
  }
}

async function openMember(
  port: number,
  greeting: string,
  pace: "await replies" | "do not wait",
): Promise<CrowdMember> {
  const socket = connect(port, "127.0.0.1");
  const member = new CrowdMember(socket);
  await new Promise<void>((resolve) => {
    socket.once("connect", () => resolve());
    socket.once("close", () => resolve());
  });
  member.send(greeting);
  if (pace === "await replies") await heard(member, (text) => text !== "");
  return member;
}

function heard(member: CrowdMember, fits: (text: string) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!member.isClosed && !fits(member.received)) return;
      member.socket.off("data", look);
      member.socket.off("close", look);
      resolve();
    };
    member.socket.on("data", look);
    member.socket.on("close", look);
    look();
  });
}
