/**
 * A TCP hop between a client and a server that can go silent: what a NAT does that forgets, or a cable that is pulled. The
 * connections stay open and nothing is ever said on them again.
 */
import { connect, createServer, type Socket } from "node:net";

/** A hop that listens. */
export interface TcpMiddle {
  readonly address: string;
  /** How many connections it has taken so far. */
  readonly accepted: number;
  /** Stops forwarding, both ways, on the connections that there are; new ones are forwarded. */
  freeze(): void;
  close(): Promise<void>;
}

/** Starts a hop to `target` (`host:port`). `onAccepted` is called at every connection. */
export async function startTcpMiddle(
  target: string,
  onAccepted: () => void = () => undefined,
): Promise<TcpMiddle> {
  const colon = target.lastIndexOf(":");
  const host = target.slice(0, colon);
  const port = Number(target.slice(colon + 1));
  const pairs = new Set<readonly [Socket, Socket]>();
  let accepted = 0;
  const server = createServer((near) => {
    accepted++;
    const far = connect(port, host);
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on("data", (bytes) => to.write(bytes));
      from.on("end", () => to.end());
      from.on("error", () => to.destroy());
      from.on("close", () => pairs.delete(pair));
    }
    onAccepted();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("not listening on TCP");
  const frozen = new Set<Socket>();
  const forget = (socket: Socket): void => {
    // Not even its end is passed on.
    socket.removeAllListeners("data").removeAllListeners("end").removeAllListeners("error");
    socket.on("error", () => undefined);
    socket.pause();
    frozen.add(socket);
  };
  return {
    address: `127.0.0.1:${bound.port}`,
    get accepted() {
      return accepted;
    },
    freeze: () => {
      for (const pair of pairs) for (const socket of pair) forget(socket);
      pairs.clear();
    },
    close: () => {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      for (const socket of frozen) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
