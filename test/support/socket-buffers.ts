/** What Linux holds in the buffers of sockets. Source: proc_net_tcp.txt of the kernel's documentation. */
import { existsSync, readFileSync } from "node:fs";

/** Fields of a line, as split at blanks: `sl local_address rem_address st tx_queue:rx_queue …`, numbers in hex. */
const LOCAL = 1;
const REMOTE = 2;
const QUEUES = 4;

/** One end of a TCP connection, or a listener. */
export interface SocketBuffers {
  readonly localPort: number;
  readonly remotePort: number;
  /** Sent and not acknowledged. */
  readonly sendBytes: number;
  /** Received and not read. */
  readonly receiveBytes: number;
}

/** All sockets from or to these ports; none where the system does not tell. */
export function socketBuffers(ports: readonly number[]): readonly SocketBuffers[] {
  const tables = ["/proc/net/tcp", "/proc/net/tcp6"].filter((table) => existsSync(table));
  return tables
    .flatMap((table) => readFileSync(table, "latin1").trim().split("\n").slice(1).map(parse))
    .filter(({ localPort, remotePort }) => ports.includes(localPort) || ports.includes(remotePort));
}

/** What all of them hold, in bytes. */
export function bytesInSockets(ports: readonly number[]): number {
  return socketBuffers(ports).reduce((sum, { sendBytes, receiveBytes }) => sum + sendBytes + receiveBytes, 0);
}

function parse(line: string): SocketBuffers {
  const fields = line.trim().split(/ +/);
  const [sendBytes = 0, receiveBytes = 0] = (fields[QUEUES] ?? "").split(":").map(ofHex);
  return { localPort: portOf(fields[LOCAL]), remotePort: portOf(fields[REMOTE]), sendBytes, receiveBytes };
}

/** Of `0100007F:1F90`. */
function portOf(address = ""): number {
  return ofHex(address.slice(address.lastIndexOf(":") + 1));
}

function ofHex(text: string): number {
  return Number.parseInt(text, 16);
}
