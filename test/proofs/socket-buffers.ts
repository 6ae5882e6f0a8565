/** What Linux holds in the buffers of sockets. Source: proc_net_tcp.txt of the kernel's documentation. */
import { readFileSync } from "node:fs";

/** Fields of a line, as split at blanks: `sl local_address rem_address st tx_queue:rx_queue …`, numbers in hex. */
const LOCAL = 1;
const REMOTE = 2;
const QUEUES = 4;

/** Bytes sent and not acknowledged, or received and not read, on all TCP connections from or to these ports. */
export function bytesInSockets(ports: readonly number[]): number {
  let bytes = 0;
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readFileSync(table, "latin1").trim().split("\n").slice(1)) {
      const fields = line.trim().split(/ +/);
      if (![fields[LOCAL], fields[REMOTE]].some((address) => ports.includes(portOf(address ?? "")))) continue;
      for (const queue of (fields[QUEUES] ?? "0").split(":")) bytes += Number.parseInt(queue, 16);
    }
  }
  return bytes;
}

/** Of `0100007F:1F90`. */
function portOf(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(":") + 1), 16);
}
