/**
 * TLS handshakes on sockets that were accepted elsewhere, over node:tls.
 *
 * A new certificate is for the connections that come after it: nothing of those that are open depends on it.
 */
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { clientCertificateElement } from "../../client-certificate.ts";
import type { ConnectionFault } from "../../engine.ts";
import type { TlsClient } from "../../exchange.ts";
import type { ServerTls } from "../../server-tls.ts";

/** What waits for the end of a handshake. */
interface Waiting {
  readonly onSecure: (socket: TLSSocket, client: TlsClient) => void;
  readonly onFailed: (fault: ConnectionFault, detail: string) => void;
}

/** Clients without a certificate; one object for all of them. */
const NO_CERTIFICATE: TlsClient = { certificate: "" };

/** The TLS of one listener. */
export class TlsFront {
  readonly #server: Server;
  readonly #waiting = new WeakMap<Socket, Waiting>();
  readonly #stopFollowing: () => void;

  constructor(tls: ServerTls, http2: "on" | "off", timeoutMs: number) {
    this.#server = createServer({
      ...tls.defaultOptions,
      requestCert: tls.asksForClientCertificate,
      rejectUnauthorized: tls.asksForClientCertificate && tls.settings.requiresClientCertificate,
      ALPNProtocols: http2 === "on" ? ["h2", "http/1.1"] : ["http/1.1"],
      SNICallback: (host, done) => done(null, tls.contextFor(host)),
      handshakeTimeout: timeoutMs,
    });
    this.#server.on("secureConnection", (socket) => {
      // The connection may end before its exchanges have listeners of their own.
      socket.on("error", () => undefined);
      this.#take(socket)?.onSecure(socket, clientOf(socket));
    });
    this.#server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      const detail = error.code ?? error.message;
      // Node verifies certificates after the handshake and then only closes; it leaves the reason here.
      const refusal = socket.authorizationError as Error | string | undefined | null;
      const isUnknown = detail === "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE";
      if (isUnknown) this.#take(socket)?.onFailed("client-certificate", detail);
      else if (refusal) this.#take(socket)?.onFailed("client-certificate", String(refusal));
      else this.#take(socket)?.onFailed("tls-handshake", detail);
    });
    this.#stopFollowing = tls.onChange(() => this.#server.setSecureContext(tls.defaultOptions));
  }

  /** Shakes hands on a socket. One of the two functions is called, unless the socket closes before. */
  handshake(socket: Socket, onSecure: Waiting["onSecure"], onFailed: Waiting["onFailed"]): void {
    this.#waiting.set(socket, { onSecure, onFailed });
    // Documented for connections that were accepted elsewhere.
    this.#server.emit("connection", socket);
  }

  close(): void {
    this.#stopFollowing();
  }

  #take(socket: TLSSocket): Waiting | undefined {
    // node:tls tells of no other way from its socket to the one below; every version of it has this field, and the
    // contract suite would not get through a handshake without.
    const below = (socket as TLSSocket & { readonly _parent?: Socket })._parent;
    if (below === undefined) return undefined;
    const waiting = this.#waiting.get(below);
    this.#waiting.delete(below);
    return waiting;
  }
}

function clientOf(socket: TLSSocket): TlsClient {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return NO_CERTIFICATE;
  return { certificate: clientCertificateElement(certificate) };
}
