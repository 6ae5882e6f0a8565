/**
 * An upstream as a process of its own, for tests that kill, stop and restart it: `Echo` of the echo service, over
 * plaintext or TLS. It writes down every call that it processes, by id, before anything else happens to it.
 *
 * Argument: UpstreamProgramOptions as JSON. The id of a call is its `string_value`; calls whose id begins with `hold` are
 * answered after the command `release`. Commands come on standard input, a line each; at its end the process ends.
 *
 *     release   answers what is held, now and from now on
 *     goaway    sends GOAWAY on every connection and goes on listening
 *     shutdown  takes no more calls, lets those under way end, then ends the process
 *
 * On standard output, a line each: `listening host:port`, `begin id`, `end id`, `cancel id`. The lines are written
 * synchronously, so that even SIGKILL loses none.
 */
import { readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { listen } from "../../src/demo/index.ts";
import { EchoCodec } from "./echo-codec.ts";
import { ECHO_DESCRIPTORS } from "./echo-server.ts";

/** How the program is started. */
export interface UpstreamProgramOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  /** How long every call takes. */
  readonly delayMs: number;
  /** PEM files; plaintext without. */
  readonly tls?: { readonly keyFile: string; readonly certificateFile: string };
}

/** The one of the parent process, which wrote it with the type above. */
const options = JSON.parse(process.argv[2] ?? "") as UpstreamProgramOptions;
const codec = new EchoCodec(readFileSync(ECHO_DESCRIPTORS));
const server = new Server();
const held: (() => void)[] = [];
let isReleased = false;
let address = "";

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function echo(call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void {
  const id = codec.decode("AllTypes", call.request).stringValue;
  say(`begin ${id}`);
  call.on("cancelled", () => say(`cancel ${id}`));
  const answer = (): void => {
    if (call.cancelled) return;
    say(`end ${id}`);
    callback(null, call.request);
  };
  if (id.startsWith("hold") && !isReleased) held.push(answer);
  else if (options.delayMs > 0) setTimeout(answer, options.delayMs);
  else answer();
}

const COMMANDS: Readonly<Record<string, () => void>> = {
  release: () => {
    isReleased = true;
    for (const answer of held.splice(0)) answer();
  },
  goaway: () => server.drain(address, 60_000),
  shutdown: () => server.tryShutdown(() => process.exit()),
};

const { Echo } = codec.definition();
if (Echo === undefined) throw new Error("the echo service has no Echo");
server.addService({ Echo }, { Echo: echo });
const { tls } = options;
const credentials =
  tls === undefined
    ? ServerCredentials.createInsecure()
    : ServerCredentials.createSsl(null, [
        { private_key: readFileSync(tls.keyFile), cert_chain: readFileSync(tls.certificateFile) },
      ]);
address = await listen(server, options.address, credentials);
say(`listening ${address}`);
createInterface({ input: process.stdin })
  .on("line", (line) => COMMANDS[line]?.())
  .on("close", () => process.exit());
