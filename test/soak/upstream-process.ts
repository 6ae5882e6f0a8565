/** The soak's upstream, in a process of its own: the echo service at the address that is its argument. */
import { startEchoServer } from "../support/echo-server.ts";

await startEchoServer({ address: process.argv[2] ?? "127.0.0.1:0" });
process.send?.("listening");
// Whoever started it has ended: so does it.
process.once("disconnect", () => process.exit(0));
