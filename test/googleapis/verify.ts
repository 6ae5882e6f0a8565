/**
 * `npm run verify:googleapis`: the product on all of Google's public APIs. Arguments: the descriptor set, and a seed to
 * repeat a run with. Prints figures; exit code 1 on any mismatch.
 */

import { Random } from "../support/random.ts";
import { checkBindings } from "./bindings.ts";
import { load } from "./load.ts";
import { checkMessages } from "./messages.ts";
import { megabytes, Report } from "./report.ts";
import { measureStart } from "./start.ts";

const [set, seedText] = process.argv.slice(2);
if (set === undefined) throw new Error("usage: verify.js <descriptor set> [seed]");
const seed = seedText === undefined ? Date.now() % 2 ** 32 : Number(seedText);
const random = new Random(seed);
const report = new Report();
report.heading(`seed ${seed}, Node ${process.version}`);
await measureStart(set, report);
const loaded = await load(set, report);
checkBindings(loaded, random, report);
checkMessages(loaded, loaded.builtins.transcoders, random, report);
report.figure("peak RSS of this command", megabytes(process.resourceUsage().maxRSS * 1024));
report.verdict();
process.exitCode = report.hasFailed ? 1 : 0;
