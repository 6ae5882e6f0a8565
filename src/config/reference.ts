/** docs/configuration.md, written from the JSON Schema, so that the two cannot disagree. */
import { configJsonSchema, type JsonSchema } from "./json-schema.ts";
import { isMapping } from "./reading.ts";

const INTRODUCTION = `# Configuration

Generated from the schema in src/config by \`npm run generate:config\`; do not edit.

\`sluice serve --config sluice.yaml\` reads one YAML file of UTF-8 text, at most 1 MiB. [config/minimal.yaml](../config/minimal.yaml)
is the least that works, [config/sluice.yaml](../config/sluice.yaml) shows every key with its default, and
[config/sluice.schema.json](../config/sluice.schema.json) makes editors complete and check it. \`sluice check\` prints
every problem of a file as \`file:line:col: what (hint)\`.

- **Keys** are strict: an unknown one is a problem, with the nearest known name. A faulty HTTP rule is dropped alone;
  any other fault in the file is refused as a whole, and a running gateway keeps what it has.
- **Durations** are numbers with units, largest first: \`250ms\`, \`5s\`, \`1m30s\`, \`2h\`; at most 24 days. A bare number
  other than 0 is refused.
- **Sizes** are bytes or a number with a unit: \`65536\`, \`32KiB\`, \`4MiB\` (powers of 1024), \`1GB\` (powers of 1000); less than 2 GiB.
- **Environment**: \`\${NAME}\` in a value is replaced by the variable, \`\${NAME:-default}\` takes the default where it is
  unset or empty, \`$\${\` is a literal \`\${\`. A variable that is not set is a problem. Values are put in after the YAML is
  parsed, so they can add neither keys nor structure. Inside \`{ }\` and \`[ ]\`, YAML wants the quotes: \`{ ca: "\${CA}" }\`.
- **HTTP rules** are \`google.api.HttpRule\`s; their fields are read in both spellings, \`responseBody\` and
  \`response_body\`.
- **Paths** that are relative start at the folder of the config file.
- **YAML**: anchors, aliases and merge keys (\`<<\`) work. Tags, duplicate keys and several documents are refused.
`;

const OPTIONS_INTRODUCTION = `These keys can stand under \`defaults\`, directly under an upstream, and in an item of \`routes\`, of the file or
of an upstream. The value of a route comes from the last of these that sets it: built in, \`defaults\`, the upstream, each
item of the file's \`routes\` that means the route, each item of the upstream's, in order. Mappings merge key by key; lists
replace each other. [routes.md](routes.md) tells which routes an item means.
`;

/** The text of docs/configuration.md. */
export function configReference(): string {
  const schema = configJsonSchema();
  const properties = propertiesOf(schema);
  const options = properties.defaults ?? {};
  const optionKeys = new Set(Object.keys(propertiesOf(options)));
  const parts = [INTRODUCTION];
  const required = Array.isArray(schema.required) ? schema.required : [];
  const rest: string[] = [];
  for (const [key, node] of Object.entries(properties)) {
    if (key === "defaults") continue;
    const rows = rowsOf(key, node, optionKeys, required.includes(key) ? "required" : "");
    if (rows.length === 1) rest.push(...rows);
    else parts.push(`## ${key}\n\n${descriptionOf(node)}\n\n${tableOf(rows.slice(1))}`);
  }
  parts.push(`## Other keys\n\n${tableOf(rest)}`);
  const rows = rowsOf("", options, new Set(), "").slice(1);
  parts.push(`## Route options\n\n${OPTIONS_INTRODUCTION}\n${tableOf(rows)}`);
  return parts.join("\n");
}

function tableOf(rows: readonly string[]): string {
  return `| Key | Type | Default | Meaning |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

/** The row of one key, then those of the keys below it. */
function rowsOf(
  path: string,
  node: JsonSchema,
  optionKeys: ReadonlySet<string>,
  fallback: string,
): readonly string[] {
  const mark = node.default === undefined ? fallback : `\`${JSON.stringify(node.default)}\``;
  const shown = typeof node.default === "string" && node.default !== "" ? `\`${node.default}\`` : mark;
  const rows = [
    `| \`${path}\` | ${typeOf(node).replaceAll("|", "\\|")} | ${shown} | ${descriptionOf(node)} |`,
  ];
  for (const { key, below } of mappingsBelow(node)) {
    const properties = propertiesOf(below);
    const required = Array.isArray(below.required) ? below.required : [];
    // The options of routes have a table of their own.
    const isRouteLevel = [...optionKeys].every((option) => option in properties) && optionKeys.size > 0;
    const base = `${path}${key}`;
    for (const [name, child] of Object.entries(properties)) {
      if (isRouteLevel && optionKeys.has(name)) continue;
      // The proto spelling of a field of HttpRule, which the introduction speaks of.
      if (name.includes("_")) continue;
      const childPath = base === "" ? name : `${base}.${name}`;
      rows.push(...rowsOf(childPath, child, optionKeys, required.includes(name) ? "required" : ""));
    }
    if (isRouteLevel) {
      rows.push(`| \`${base}.*\` | | | Every [route option](#route-options). |`);
    }
  }
  return rows;
}

/** The mappings that a node may be or hold: itself, its list's items, its table's values, one of its alternatives. */
function mappingsBelow(node: JsonSchema): readonly { readonly key: string; readonly below: JsonSchema }[] {
  if (isMapping(node.properties)) return [{ key: "", below: node }];
  if (isMapping(node.items))
    return mappingsBelow(node.items).map(({ key, below }) => ({ key: `[]${key}`, below }));
  const values = node.additionalProperties;
  if (isMapping(values) && isMapping(values.properties)) return [{ key: ".<name>", below: values }];
  const alternatives = Array.isArray(node.anyOf) ? node.anyOf : [];
  const found = alternatives.filter(isMapping).flatMap((alternative) => mappingsBelow(alternative));
  // What may stand alone or in a list is described once, for the list.
  return found.filter(({ below }, i) => found.findLastIndex((other) => other.below === below) === i);
}

function typeOf(node: JsonSchema): string {
  if (typeof node.title === "string") return node.title;
  if (node.type === "array") return `list of ${isMapping(node.items) ? typeOf(node.items) : "values"}`;
  if (node.type === "boolean") return "boolean";
  const values = node.additionalProperties;
  if (isMapping(values) && typeof values.title === "string") return `mapping to ${values.title}`;
  if (node.type === "object") return "mapping";
  const alternatives = Array.isArray(node.anyOf) ? node.anyOf : [];
  return alternatives.filter(isMapping).map(typeOf).join(" or ");
}

function descriptionOf(node: JsonSchema): string {
  return typeof node.description === "string" ? node.description : "";
}

function propertiesOf(node: JsonSchema): Readonly<Record<string, JsonSchema>> {
  const properties = isMapping(node.properties) ? node.properties : {};
  const nodes = Object.entries(properties).map(([key, value]) => [key, isMapping(value) ? value : {}]);
  return Object.fromEntries(nodes);
}
