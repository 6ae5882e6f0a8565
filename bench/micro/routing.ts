/**
 * How long one look-up takes in a table the size of googleapis' (15,381 bindings).
 *
 * Run: `node bench/micro/routing.ts` (Node >= 22.18), or with a JSON file of `[method, template]` pairs as argument. Paths
 * come as fresh strings in shuffled order, as an engine hands them over: a warm cache would flatter the result.
 */
import { readFileSync } from "node:fs";
import { PathMatcherBuilder, type PathTemplate, parseTemplate } from "../../src/routing/index.ts";

const ROUNDS = 25;

/** Services of a few resources each, with the standard methods of AIP-131 to AIP-136. */
function syntheticRules(): readonly (readonly [method: string, template: string])[] {
  const rules: (readonly [string, string])[] = [];
  for (let service = 0; rules.length < 15_381; service++) {
    const root = `/v${1 + (service % 3)}`;
    for (let kind = 0; kind < 7; kind++) {
      const parent = kind % 2 === 0 ? "projects/*/locations/*" : "projects/*";
      const collection = `collection${service}Kind${kind}`;
      rules.push(
        ["GET", `${root}/{name=${parent}/${collection}/*}`],
        ["GET", `${root}/{parent=${parent}}/${collection}`],
        ["POST", `${root}/{parent=${parent}}/${collection}`],
        ["PATCH", `${root}/{item.name=${parent}/${collection}/*}`],
        ["DELETE", `${root}/{name=${parent}/${collection}/*}`],
        ["POST", `${root}/{name=${parent}/${collection}/*}:cancel`],
        ["GET", `${root}/{resource=${parent}/${collection}/**}:getIamPolicy`],
      );
    }
  }
  return rules;
}

/** A path that `template` fits. */
function pathOf({ segments, verb }: PathTemplate): string {
  const parts = segments.map((segment, i) => {
    if (segment.kind === "literal") return encodeURIComponent(segment.text);
    return segment.kind === "*" ? `id-${i}42` : "x/y";
  });
  return `/${parts.join("/")}${verb === "" ? "" : `:${verb}`}`;
}

const [file] = process.argv.slice(2);
// The file is the caller's own; its shape is the one that the usage above names.
const rules =
  file === undefined
    ? syntheticRules()
    : (JSON.parse(readFileSync(file, "utf8")) as ReturnType<typeof syntheticRules>);
const builder = new PathMatcherBuilder<object>();
const requests: { readonly method: string; readonly path: Buffer; readonly order: number }[] = [];
for (const [i, [method, text]] of rules.entries()) {
  const template = parseTemplate(text);
  if (builder.add(method, template, {}) !== undefined) continue;
  // A fixed shuffle: multiplication by an odd number permutes the residues of a power of two.
  requests.push({ method, path: Buffer.from(pathOf(template)), order: Math.imul(i, 40_503) & 0xffff });
}
requests.sort((a, b) => a.order - b.order);
const matcher = builder.build();

const nanoseconds: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const fresh = requests.map(({ method, path }) => ({ method, path: path.toString("latin1") }));
  let found = 0;
  const start = process.hrtime.bigint();
  for (const { method, path } of fresh) {
    if (matcher.match(method, path).kind === "found") found++;
  }
  nanoseconds.push(Number(process.hrtime.bigint() - start) / fresh.length);
  if (found !== fresh.length) throw new Error(`${fresh.length - found} paths were not found`);
}
nanoseconds.sort((a, b) => a - b);
const [best = 0] = nanoseconds;
const median = nanoseconds[ROUNDS >> 1] ?? 0;
console.log(
  `${requests.length} rules: median ${median.toFixed(0)} ns a look-up, best round ${best.toFixed(0)} ns`,
);
