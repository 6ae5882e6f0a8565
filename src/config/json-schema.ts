/** The JSON Schema of the config file, for editors and other tools: config/sluice.schema.json. */
import * as z from "zod";
import { isMapping } from "./reading.ts";
import { BUILT_IN_TEXT } from "./route-options.ts";
import { configSchema } from "./schema.ts";

/** A JSON Schema document or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The schema of the file as written, before defaults and conversions. */
export function configJsonSchema(): JsonSchema {
  const generated: unknown = z.toJSONSchema(configSchema("/"), { io: "input" });
  const schema = asSchema(rewrite(generated));
  const properties = asSchema(schema.properties);
  const { $schema, ...rest } = schema;
  return {
    $schema,
    title: "Sluice",
    ...rest,
    properties: { ...properties, defaults: withDefaults(asSchema(properties.defaults), BUILT_IN_TEXT) },
  };
}

/** Replaces our own keywords (see fields.ts) and drops the defaults that only say that a section may be left out. */
function rewrite(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(rewrite);
  if (!isMapping(node)) return node;
  const { "x-switch": isSwitch, "x-single": isSingle, ...plain } = node;
  const isEmptyDefault = isMapping(plain.default) && Object.keys(plain.default).length === 0;
  const entries = Object.entries(plain).filter(([key]) => !(key === "default" && isEmptyDefault));
  const schema = Object.fromEntries(entries.map(([key, value]) => [key, rewrite(value)]));
  if (isSwitch === true) {
    const { description, default: byDefault, ...mapping } = schema;
    const boolean = { type: "boolean" };
    return {
      description,
      ...(byDefault === undefined ? {} : { default: byDefault }),
      anyOf: [boolean, mapping],
    };
  }
  if (isSingle === true) {
    const { description, ...list } = schema;
    return { description, anyOf: [schema.items, list] };
  }
  return schema;
}

/** `schema` with the values of `defaults` as defaults of its leaves. */
function withDefaults(schema: JsonSchema, defaults: JsonSchema): JsonSchema {
  const properties: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(asSchema(schema.properties))) {
    const node = asSchema(value);
    const given = defaults[key];
    const isSection = isMapping(given) && isMapping(node.properties);
    properties[key] = isSection ? withDefaults(node, given) : { default: given, ...node };
  }
  return { ...schema, properties };
}

function asSchema(value: unknown): JsonSchema {
  return isMapping(value) ? value : {};
}
