/**
 * Sockets for connections: TCP, TLS with ALPN `h2`, unix.
 *
 * Arriving bytes go into one buffer that each read uses again (`onread`): Node would otherwise allocate 64 KiB a read.
 */
import { createConnection, isIP, type Socket } from "node:net";
import { type ConnectionOptions, checkServerIdentity, connect as tlsConnect } from "node:tls";
import type { SocketAddress } from "../../address.ts";
import type { TlsOptions } from "../../channel.ts";

const READ_BYTES: number = 64 * 1024;

/** How long an upstream that does not read may keep a socket that is to be closed. */
const LINGER_MS = 1000;

/**
 * Opens a socket. `onConnected` comes when bytes can be exchanged, after TLS; failures are `error` and `close` of the
 * socket. `name` is the host that the certificate is for, where `address` holds what it resolved to.
 */
export function openSocket(
  address: SocketAddress,
  name: string,
  tls: TlsOptions | undefined,
  onConnected: () => void,
  onBytes: (bytes: Buffer, length: number) => void,
): Socket {
  const onread = {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback: (length: number, bytes: Uint8Array): boolean => {
      // The buffer is the one above, a Buffer.
      onBytes(bytes as Buffer, length);
      return true;
    },
  };
  const where = address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port };
  if (tls === undefined) {
    const socket = createConnection({ ...where, onread, noDelay: true });
    socket.once("connect", onConnected);
    return socket;
  }
  const expected = tls.serverName ?? (address.kind === "unix" ? "localhost" : name);
  // Node knows `onread` here too (its documentation of tls.connect); its types do not.
  const options: ConnectionOptions & { readonly onread: typeof onread } = {
    ...where,
    onread,
    secureContext: tls.credentials.context,
    ALPNProtocols: ["h2"],
    // An IP address is no server name (RFC 6066 section 3): Node would check the certificate against the address then.
    checkServerIdentity: (_host, certificate) => checkServerIdentity(expected, certificate),
    ...(isIP(expected) === 0 ? { servername: expected } : undefined),
  };
  const socket = tlsConnect(options);
  socket.setNoDelay(true);
  socket.once("secureConnect", () => {
    if (socket.alpnProtocol === "h2") onConnected();
    else socket.destroy(new Error("ERR_HTTP2 not offered by ALPN"));
  });
  return socket;
}

/** Closes a socket once what was written to it has left, or soon in any case. */
export function closeSocket(socket: Socket): void {
  socket.destroySoon();
  if (socket.closed) return;
  // A timer that is left would keep the socket, its buffer and what belongs to it, though nobody waits any more.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once("close", () => clearTimeout(timer));
}

/** What a socket failed with, for `unreachable`. With several addresses for one name, the first failure stands for all. */
export function socketFault(error: NodeJS.ErrnoException): string {
  const [first = error] = error instanceof AggregateError ? error.errors : [error];
  return `${first.code ?? ""} ${first.message}`;
}
