#!/usr/bin/env node
/** The bin: arguments to the command line, its exit code to the shell. */
import { runCli } from "./cli/index.ts";

process.exit(await runCli(process.argv.slice(2)));
