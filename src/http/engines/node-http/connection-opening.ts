/**
 * What happens on a connection before its first request: who the client is, and which protocol it speaks.
 *
 *     accepted -> PROXY header -> TLS handshake -> HTTP/1.1 | HTTP/2
 *                                 preface of HTTP/2, in the clear -^
 *
 * Each step is left out where the listener does not have it. All of them together have one timeout, so that nobody holds
 * a connection by sending a byte now and then.
 */
import { BlockList, isIPv6, type Socket } from "node:net";
import type { ConnectionFault, ProxyProtocolOptions } from "../../engine.ts";
import type { TlsClient } from "../../exchange.ts";
import { readProxyHeader } from "../../proxy-protocol.ts";
import { plainAddress } from "./plain-address.ts";
import type { TlsFront } from "./tls-front.ts";

/** A connection whose next bytes are a request. */
export interface OpenConnection {
  /** The socket itself, or TLS over it. */
  readonly socket: Socket;
  /** As `HttpExchange.peer`. */
  readonly peer: string;
  readonly tls: TlsClient | undefined;
  readonly protocol: "http/1.1" | "h2";
}

/** The steps of a listener. */
export interface OpeningSteps {
  readonly proxy: ProxyGate | undefined;
  readonly tls: TlsFront | undefined;
  readonly http2: "on" | "off";
  readonly timeoutMs: number;
}

/** Is told of the end of an opening: exactly one call, unless the connection closes before. */
export interface OpeningListener {
  onOpen(connection: OpenConnection): void;
  /** The connection is closed already. */
  onFault(fault: ConnectionFault, detail: string): void;
  /** A client in the clear has not sent enough to tell what it speaks. */
  onLate(peer: string): void;
}

/** Which peers send PROXY headers, and of which version. */
export class ProxyGate {
  readonly versions: ProxyProtocolOptions["versions"];
  readonly #networks = new BlockList();

  /** `from` as in {@link ProxyProtocolOptions}. */
  constructor({ versions, from }: ProxyProtocolOptions) {
    this.versions = versions;
    for (const network of from) {
      const [address = "", prefix = ""] = network.split("/");
      this.#networks.addSubnet(address, Number(prefix), familyOf(address));
    }
  }

  /** Whether a peer of that address is a balancer; one on a unix socket is. */
  admits(peer: string): boolean {
    return peer === "" || this.#networks.check(peer, familyOf(peer));
  }
}

/** Bytes that begin a connection that speaks HTTP/2 from the start. Source: RFC 9113, section 3.4. */
const PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

const NOTHING: Buffer = Buffer.alloc(0);

/** The opening of one connection. */
export class ConnectionOpening {
  readonly #socket: Socket;
  readonly #steps: OpeningSteps;
  readonly #listener: OpeningListener;
  readonly #timer: NodeJS.Timeout;
  #step: "proxy" | "tls" | "preface" = "proxy";
  #bytes: Buffer = NOTHING;
  #peer: string;
  #isOver = false;

  constructor(socket: Socket, steps: OpeningSteps, listener: OpeningListener) {
    this.#socket = socket;
    this.#steps = steps;
    this.#listener = listener;
    this.#peer = plainAddress(socket.remoteAddress ?? "");
    this.#timer = setTimeout(() => this.#onTimeout(), steps.timeoutMs);
  }

  start(): void {
    const { proxy } = this.#steps;
    if (proxy === undefined) {
      this.#afterProxy();
      return;
    }
    if (!proxy.admits(this.#peer)) {
      this.#fail("proxy-peer", "the peer is in none of the networks of proxyProtocolFrom");
      return;
    }
    this.#read();
  }

  /** There is no request yet that could be waited for. */
  drain(): void {
    this.#socket.destroy();
  }

  /** The socket is gone. */
  closed(): void {
    this.#end();
  }

  readonly #onReadable = (): void => {
    // A socket without an encoding gives buffers.
    const chunk = this.#socket.read() as Buffer | null;
    if (chunk === null) return;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    if (this.#step === "proxy") this.#readProxy();
    else this.#readPreface();
  };

  /** The client has said all that it will, and that was too little. */
  readonly #onEnd = (): void => {
    if (this.#step === "proxy") this.#fail("proxy-header", "the PROXY header is cut short");
    else this.#socket.destroy();
  };

  #read(): void {
    this.#socket.on("readable", this.#onReadable);
    this.#socket.on("end", this.#onEnd);
  }

  #readProxy(): void {
    const reading = readProxyHeader(this.#bytes, this.#steps.proxy?.versions ?? "any");
    if (reading.kind === "partial") return;
    if (reading.kind === "fault") {
      this.#fail("proxy-header", reading.what);
      return;
    }
    if (reading.source !== undefined) this.#peer = plainAddress(reading.source);
    this.#bytes = this.#bytes.subarray(reading.length);
    this.#afterProxy();
  }

  #afterProxy(): void {
    const { tls, http2 } = this.#steps;
    if (tls !== undefined) {
      this.#step = "tls";
      this.#putBack();
      tls.handshake(
        this.#socket,
        (socket, client) => this.#open(socket, client, socket.alpnProtocol === "h2" ? "h2" : "http/1.1"),
        (fault, detail) => this.#fail(fault, detail),
      );
      return;
    }
    if (http2 === "off") {
      this.#open(this.#socket, undefined, "http/1.1");
      return;
    }
    this.#step = "preface";
    if (this.#bytes.length > 0) this.#readPreface();
    else if (this.#socket.listenerCount("readable") === 0) this.#read();
  }

  #readPreface(): void {
    const length = Math.min(this.#bytes.length, PREFACE.length);
    const isPreface = this.#bytes.compare(PREFACE, 0, length, 0, length) === 0;
    if (isPreface && length < PREFACE.length) {
      if (this.#socket.listenerCount("readable") === 0) this.#read();
      return;
    }
    this.#open(this.#socket, undefined, isPreface ? "h2" : "http/1.1");
  }

  #open(socket: Socket, tls: TlsClient | undefined, protocol: OpenConnection["protocol"]): void {
    if (this.#isOver) return;
    this.#end();
    this.#putBack();
    this.#listener.onOpen({ socket, peer: this.#peer, tls, protocol });
  }

  /** Gives the socket to the next reader as if nobody had read from it. */
  #putBack(): void {
    this.#socket.off("readable", this.#onReadable);
    this.#socket.off("end", this.#onEnd);
    if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes);
    this.#bytes = NOTHING;
  }

  #onTimeout(): void {
    if (this.#step !== "preface") {
      const what = this.#step === "proxy" ? "the PROXY header" : "the TLS handshake";
      this.#fail("timeout", `${what} did not end in time`);
      return;
    }
    if (this.#isOver) return;
    this.#end();
    this.#listener.onLate(this.#peer);
  }

  #fail(fault: ConnectionFault, detail: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#socket.destroy();
    this.#listener.onFault(fault, detail);
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
