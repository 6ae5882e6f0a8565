/** The ways on which HTTP/1.1 reaches an engine: each has to carry whatever plain TCP carries. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { type ListenOptions, ServerTls, type ServerTlsMaterial } from "../../src/http/index.ts";
import { pem } from "./tls.ts";

/** One way. */
export interface Transport {
  readonly name: string;
  /** Those that have it. */
  readonly engines: readonly ("node" | "uws")[];
  readonly options: Omit<ListenOptions, "limits">;
  /** A connection whose next bytes are a request. */
  open(port: number): Promise<Socket>;
}

/** The fixtures' certificate for upstream.test and localhost; asks clients for one where an authority is named. */
function serverMaterial(certificate = "server", clientCa?: string): ServerTlsMaterial {
  return {
    identities: [
      {
        certificatePem: pem(`${certificate}.pem`),
        keyPem: pem(`${certificate}.key`),
        names: undefined,
        certificatePath: `test/fixtures/tls/${certificate}.pem`,
        keyPath: `test/fixtures/tls/${certificate}.key`,
      },
    ],
    clientCaPem: clientCa === undefined ? undefined : pem(clientCa),
    clientCaPath: clientCa === undefined ? undefined : `test/fixtures/tls/${clientCa}`,
  };
}

/** TLS of sound material. */
export function serverTls(
  material: ServerTlsMaterial = serverMaterial(),
  clients: "required" | "optional" = "required",
): ServerTls {
  const requiresClientCertificate = material.clientCaPem !== undefined && clients === "required";
  const settings = { minVersion: "TLSv1.2", ciphers: undefined, requiresClientCertificate } as const;
  const { tls, faults } = ServerTls.open(material, settings, Date.now());
  if (tls === undefined) throw new Error(JSON.stringify(faults));
  return tls;
}

/** A TLS client's socket after its handshake; it trusts the authority of server.pem. */
export async function openTls(port: number, options: ConnectionOptions = {}): Promise<Socket> {
  const below = connect(port, "127.0.0.1");
  const socket = connectTls({
    socket: below,
    servername: "localhost",
    ca: [pem("ca.pem"), pem("ca-next.pem")],
    ...options,
  });
  // Node resets only the sockets that it opened itself. Not in this turn: a server in this process that is in the middle of
  // a read would lose the error to its next write.
  socket.resetAndDestroy = () => {
    setImmediate(() => below.resetAndDestroy());
    return socket;
  };
  await once(socket, "secureConnect");
  return socket;
}

async function openPlain(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** The transports besides plain TCP. */
export function transports(): readonly Transport[] {
  return [
    {
      name: "over TLS",
      engines: ["node", "uws"],
      options: { tls: serverTls(), http2: "on" },
      open: openTls,
    },
    { name: "beside HTTP/2 in the clear", engines: ["node"], options: { http2: "on" }, open: openPlain },
    {
      name: "behind a PROXY header",
      engines: ["node"],
      options: { proxyProtocol: { versions: "any", from: ["127.0.0.0/8"] } },
      open: async (port) => {
        const socket = await openPlain(port);
        socket.write("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n");
        return socket;
      },
    },
  ];
}
