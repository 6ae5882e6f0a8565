/** A TCP proxy on loopback that delays every byte, each way, by the same time: distance without loss or limit. */
import { connect, createServer, type Socket } from "node:net";

export interface LatencyProxy {
  readonly address: string;
  close(): Promise<void>;
}

/** Starts a proxy to `host:port`; a round trip through it takes twice `delayMs` at least. */
export async function startLatencyProxy(target: string, delayMs: number): Promise<LatencyProxy> {
  const [host = "", port] = target.split(":");
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ host, port: Number(port), noDelay: true });
    client.setNoDelay(true);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => undefined);
      from.on("data", (bytes: Buffer) => setTimeout(() => to.write(bytes), delayMs));
      from.on("close", () => {
        sockets.delete(from);
        setTimeout(() => to.destroy(), delayMs);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("not listening on TCP");
  return {
    address: `127.0.0.1:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
