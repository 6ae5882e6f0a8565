/**
 * Ports for servers that are started again at the same address.
 */
import { createServer } from "node:net";

/** A free port below those that the system gives to connections, so nobody takes it while no server has it. */
export async function quietPort(): Promise<number> {
  for (let port = 20_000 + (process.pid % 10_000); ; port++) {
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
