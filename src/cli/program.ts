/**
 * The command line: what there is to call, with which options. The commands themselves are one file each, loaded when
 * they run: help and usage errors need not wait for a gRPC client and an HTTP engine.
 */
import { Command, CommanderError, Option } from "commander";
import type { ConfigOptions } from "./load-config.ts";
import { productVersion } from "./product-version.ts";
import { withTunedHeap } from "./tune-heap.ts";

/** Takes the exit code of the command that ran. */
type Exit = (code: number) => void;

/** Runs one command and gives the exit code: 0 for success, 1 for a failure that has been told on standard error. */
export async function runCli(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command("sluice")
    .description("HTTP/JSON to gRPC: a REST API from google.api.http rules")
    .version(productVersion())
    .exitOverride()
    .showHelpAfterError("(sluice --help lists the commands)");

  const exit: Exit = (code) => {
    exitCode = code;
  };
  addServing(program, exit);
  addLooking(program, exit);
  addDemo(program, exit);

  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    // Commander has told what is wrong already; help and version arrive here as well, with exit code 0.
    if (error instanceof CommanderError) return error.exitCode;
    process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  return exitCode;
}

function addServing(program: Command, exit: Exit): void {
  withConfigOptions(program.command("serve"))
    .description("run the gateway until SIGTERM or Ctrl-C")
    .option(
      "--workers <number>",
      "with --upstream: how many processes serve, or auto for one on each core (default 1)",
    )
    .action(async (options: ConfigOptions) => {
      const { serve } = await withTunedHeap(() => import("./serve.ts"));
      exit(await serve(options));
    });
  program.command("worker", { hidden: true }).action(async () => {
    const { worker } = await withTunedHeap(() => import("./worker.ts"));
    exit(await worker());
  });
}

/** Commands that read config and schemas, and serve nobody. */
function addLooking(program: Command, exit: Exit): void {
  withConfigOptions(program.command("check"))
    .description("validate config and schemas without listening; exits 1 if anything is wrong")
    .action(async (options: ConfigOptions) => {
      const { check } = await import("./check.ts");
      exit(await check(options));
    });
  withConfigOptions(program.command("routes"))
    .description("print the route table")
    .option("--json", "as JSON")
    .action(async (options: ConfigOptions & { json?: true }) => {
      const { routes } = await import("./routes.ts");
      exit(await routes(options));
    });
  withConfigOptions(program.command("explain"))
    .description(
      "show what would become of a request: candidates, captures, message, metadata; calls nothing",
    )
    .argument("<request>", "method and target, e.g. 'GET /v1/shelves/1/books?page_size=2'")
    .option("-d, --data <body>", "request body; @file reads it from a file")
    .option("-H, --header <field>", "request header, 'name: value'; repeatable", collect, [])
    .option("--listener <name>", "whose routes count: a listener's name or address (default: the first)")
    .action(
      async (
        request: string,
        options: ConfigOptions & { data?: string; listener?: string; header: string[] },
      ) => {
        const { explain } = await import("./explain.ts");
        exit(await explain(request, options));
      },
    );
}

function addDemo(program: Command, exit: Exit): void {
  program
    .command("demo")
    .description("run a bundled library service and a gateway in front of it")
    .addOption(
      new Option("--schema <source>", "where the gateway gets the schema")
        .choices(["reflection", "descriptors"])
        .default("reflection"),
    )
    .addOption(
      new Option("--engine <name>", "HTTP engine of the gateway")
        .choices(["auto", "uws", "node"])
        .default("auto"),
    )
    .action(async (options: { schema: "reflection" | "descriptors"; engine: "auto" | "uws" | "node" }) => {
      const { demo } = await withTunedHeap(() => import("./demo.ts"));
      exit(await demo(options));
    });
}

function withConfigOptions(command: Command): Command {
  return command
    .option("-c, --config <file>", "config file (docs/configuration.md)")
    .option("-u, --upstream <address>", "instead of a config: host:port or unix:/path of a gRPC server")
    .option(
      "--descriptors <file>",
      "with --upstream: a descriptor set, instead of server reflection; repeatable",
      collect,
    )
    .option("--listen <address>", "with --upstream: where to serve HTTP (default 0.0.0.0:8080)")
    .option(
      "--admin <address>",
      "with --upstream: where to serve health and metrics (default 127.0.0.1:9901)",
    );
}

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}
