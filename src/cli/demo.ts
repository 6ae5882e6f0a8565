/** `sluice demo`: the bundled library service and a gateway in front of it, for a first look. */
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Application, builtins } from "../app/index.ts";
import { type Config, parseConfigText } from "../config/index.ts";
import { formatRouteTable, routeRows } from "../control/index.ts";
import { curlCommand, curlExamples, startDemoUpstream } from "../demo/index.ts";
import { formatAddress } from "../http/index.ts";
import { createLogger } from "../telemetry/index.ts";
import { packageFile } from "./package-file.ts";
import { productVersion } from "./product-version.ts";
import { nextSignal } from "./signals.ts";

/** What can be chosen. */
export interface DemoOptions {
  readonly schema: "reflection" | "descriptors";
  readonly engine: "auto" | "uws" | "node";
}

const HOST = "127.0.0.1";
const HTTP_PORT = 8080;
const ADMIN_PORT = 9901;
const PORTS_TO_TRY = 50;

/**
 * Options of the demo's routes. Watches can be resumed; a library where nothing happens, and a room where nobody speaks,
 * are no failures.
 */
export const DEMO_ROUTES: Readonly<Record<string, unknown>> = {
  etag: "strong",
  routes: [
    {
      selector: "library.v1.LibraryService.WatchBooks",
      idleTimeout: "0s",
      stream: { sse: { idField: "revision", lastEventIdField: "after_revision", retry: "1s" } },
    },
    { selector: "library.v1.LibraryService.Talk", idleTimeout: "0s" },
  ],
};

/** Starts both, prints what to try, and serves until Ctrl-C. */
export async function demo(options: DemoOptions): Promise<number> {
  const signal = nextSignal();
  const say = (text: string): void => {
    process.stdout.write(`${text}\n`);
  };
  const httpPort = await freePort(HTTP_PORT, say);
  const adminPort = await freePort(ADMIN_PORT, say);
  const upstream = await startDemoUpstream({ address: `${HOST}:0` });
  const config = demoConfig(options, upstream.address, httpPort, adminPort);
  const application = await Application.start(
    config,
    builtins(config, productVersion()),
    createLogger("warn"),
  );
  while (!application.readiness.ready) {
    await Promise.race([
      pause(20),
      signal.then((name) => Promise.reject(new Error(`${name} before the demo was ready`))),
    ]);
  }

  const [listening] = application.listening;
  const address = listening === undefined ? "" : formatAddress(listening.address);
  say(`\nOpen http://${address}/ in a browser: watch the library live, talk in its reading room.`);
  say(`\nDemo library service (gRPC)  ${upstream.address}`);
  say(
    `Gateway (HTTP)               http://${address}   engine ${listening?.engine}, schema by ${options.schema}`,
  );
  say(
    `Admin page                   http://${HOST}:${adminPort}/   over /readyz /metrics /routes /schema and more\n`,
  );
  say(formatRouteTable(routeRows(application.gateway.snapshot)));
  say("\nTry, in another terminal:\n");
  for (const example of curlExamples(`http://${address}`)) {
    say(`# ${example.title}\n${curlCommand(example)}\n`);
  }
  say("Ctrl-C stops both.");
  await signal;
  await application.drain();
  await upstream.close();
  say("stopped");
  return 0;
}

function demoConfig(options: DemoOptions, upstream: string, httpPort: number, adminPort: number): Config {
  const descriptors = packageFile("descriptors/library.binpb");
  const schema = options.schema === "reflection" ? { reflection: true } : { descriptors: [descriptors] };
  // JSON is YAML: the demo goes the way that a config file goes.
  const text = JSON.stringify({
    listeners: [{ address: `${HOST}:${httpPort}`, engine: options.engine }],
    admin: { address: `${HOST}:${adminPort}` },
    upstreams: { library: { address: upstream, schema, ...DEMO_ROUTES } },
    accessLog: { enabled: false },
    shutdown: { drainTimeout: "2s" },
  });
  const { config, problems } = parseConfigText(text, "demo", {});
  if (config === undefined) throw new Error(`the demo's own config is faulty: ${JSON.stringify(problems)}`);
  return config;
}

/** The first free port from `wanted` on; says so if it is not the wanted one. */
async function freePort(wanted: number, say: (text: string) => void): Promise<number> {
  for (let port = wanted; port < wanted + PORTS_TO_TRY; port++) {
    if (!(await isFree(port))) continue;
    if (port !== wanted) say(`Note: port ${wanted} is taken, so this is port ${port} instead.`);
    return port;
  }
  throw new Error(`no free port from ${wanted} to ${wanted + PORTS_TO_TRY - 1}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}
