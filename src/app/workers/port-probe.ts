/**
 * The engine of a process that leads others: it finds out whether a port can be had, and which one port 0 is, and leaves
 * the listening to the workers.
 *
 * The kernel lets any process of the same user join a port that workers share, so a second gateway on the same port would
 * quietly take half of the requests. Asking for the port alone, before the workers share it, makes that an error again.
 */
import { createServer, type Server } from "node:net";
import { type HttpEngine, type ListenAddress, ListenError } from "../../http/index.ts";

/** What becomes of the listeners when the gateway ends. */
export interface Listeners {
  drain(): Promise<void>;
  close(): void;
}

/** Holds the ports that workers are going to share. */
export class PortProbe {
  readonly #probes: Server[] = [];
  /** Its listeners stand for those of the workers, which have yet to be told to listen. */
  readonly engine: HttpEngine;

  constructor(workers: Listeners) {
    this.engine = {
      name: "workers",
      listen: async (address) => ({
        address: await this.#hold(address),
        drain: () => workers.drain(),
        close: () => workers.close(),
        // The workers count.
        connections: { open: 0, accepted: 0, refused: 0, retired: 0 },
      }),
    };
  }

  /** Lets go of the ports, for the workers to take. */
  async release(): Promise<void> {
    const closed = this.#probes.splice(0).map((probe) => new Promise((resolve) => probe.close(resolve)));
    await Promise.all(closed);
  }

  /** `address` with a port that nobody else listens on. @throws {ListenError} if it cannot be had. */
  #hold(address: ListenAddress): Promise<ListenAddress> {
    // The config lets none through: several processes cannot be behind one.
    if (address.path !== undefined)
      return Promise.reject(new ListenError(address, "ENOTSUP", "it cannot be shared"));
    return new Promise((resolve, reject) => {
      const probe = createServer((socket) => socket.destroy());
      probe.once("error", (error: NodeJS.ErrnoException) =>
        reject(new ListenError(address, error.code ?? "UNKNOWN", error.message)),
      );
      probe.listen({ host: address.host, port: address.port, exclusive: true }, () => {
        this.#probes.push(probe);
        const bound = probe.address();
        const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
        resolve({ host: address.host, port });
      });
    });
  }
}
