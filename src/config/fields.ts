/**
 * The building blocks of the config's schema: zod types whose complaints are whole sentences, and whose metadata
 * becomes the JSON Schema and docs/configuration.md. Every issue that they raise is a custom one with a `hint`.
 *
 * JSON Schema keywords of our own, taken out again by json-schema.ts: `x-switch` (a mapping that may be `true` or
 * `false` instead) and `x-single` (a list that may be one item instead).
 */
import * as z from "zod";
import { nearestName } from "./names.ts";
import { type Bounds, parseDuration, parseSize } from "./quantities.ts";
import { complain, isMapping, type Reading, show } from "./reading.ts";

/** Raises one issue; `key` is a key below the value, `at: "key"` points at the key rather than its value. */
export type Fail = (what: string, hint: string, key?: string, at?: "key") => void;

/** A reference to the environment, which editors cannot resolve; it is allowed for every scalar. */
const REFERENCE: Readonly<Record<string, unknown>> = { type: "string", pattern: "\\$\\{" };

/** A scalar that `read` understands. `title` names its type for people; `json` is its JSON Schema. */
export function scalar<T>(
  title: string,
  description: string,
  json: Readonly<Record<string, unknown>>,
  read: (value: unknown) => Reading<T>,
): z.ZodType<T> {
  return z
    .unknown()
    .transform((value, context): T => {
      const reading =
        value === undefined
          ? complain("is missing", "add the key and its value")
          : value === null
            ? complain("is empty", "give a value or remove the key")
            : read(value);
      if (reading.complaint === undefined) return reading.value;
      raise(context, reading.complaint.what, reading.complaint.hint);
      return z.NEVER;
    })
    .meta({ title, description, ...json });
}

/** Text that `read` understands, such as an address. Numbers and booleans are refused, never converted. */
export function text<T>(
  title: string,
  description: string,
  read: (value: unknown) => Reading<T>,
): z.ZodType<T> {
  return scalar(title, description, { type: "string" }, read);
}

/** Reads text of 1 to 4096 characters without control characters. */
export function parsePlainText(value: unknown): Reading<string> {
  if (typeof value !== "string") return complain(`${show(value)} is not text`, "put the value in quotes");
  if (value === "") return complain("is empty", "give a value or remove the key");
  if (value.length > 4096) return complain(`${show(value)} is too long`, "at most 4096 characters");
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit < 0x20 || unit === 0x7f) {
      return complain(`${show(value)} holds a control character`, "remove it");
    }
  }
  return { value };
}

/** `true` or `false`; also as text, since that is what the environment gives. */
export function flag(description: string): z.ZodType<boolean> {
  return scalar("boolean", description, { anyOf: [{ type: "boolean" }, REFERENCE] }, (value) => {
    if (value === true || value === "true") return { value: true };
    if (value === false || value === "false") return { value: false };
    return complain(`${show(value)} is not a boolean`, "write true or false");
  });
}

/** A whole number in bounds, both inclusive. */
export function integer(description: string, minimum: number, maximum: number): z.ZodType<number> {
  const json = { anyOf: [{ type: "integer", minimum, maximum }, REFERENCE] };
  return scalar(`integer, ${minimum} to ${maximum}`, description, json, (value) => {
    const number = typeof value === "string" && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number !== "number" || !Number.isInteger(number)) {
      return complain(`${show(value)} is not a whole number`, `write a number from ${minimum} to ${maximum}`);
    }
    if (number >= minimum && number <= maximum) return { value: number };
    return complain(`${number} is out of range`, `write a number from ${minimum} to ${maximum}`);
  });
}

/** A share, 0 to 1. */
export function share(description: string): z.ZodType<number> {
  const json = { anyOf: [{ type: "number", minimum: 0, maximum: 1 }, REFERENCE] };
  return scalar("number, 0 to 1", description, json, (value) => {
    const number = typeof value === "string" && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
    if (typeof number === "number" && number >= 0 && number <= 1) return { value: number };
    return complain(`${show(value)} is not a share`, "write a number from 0 to 1: 0.01 is one in a hundred");
  });
}

/** One of a few words. */
export function choice<const T extends string>(description: string, words: readonly T[]): z.ZodType<T> {
  const json = { anyOf: [{ enum: [...words] }, REFERENCE] };
  return scalar(words.join(" | "), description, json, (value) => {
    const word = words.find((candidate) => candidate === value);
    if (word !== undefined) return { value: word };
    const near = typeof value === "string" ? nearestName(value, words) : undefined;
    const hint = near === undefined ? `write ${words.join(", ")}` : `did you mean ${near}?`;
    return complain(`${show(value)} is not one of its values`, hint);
  });
}

/** A duration as milliseconds. */
export function duration(description: string, bounds: Bounds = {}): z.ZodType<number> {
  return durationOf(inBounds("duration", bounds), description, (value) => parseDuration(value, bounds));
}

/** A type with the bounds that are its own. */
function inBounds(type: string, { min, max }: Bounds): string {
  if (max === undefined) return min === undefined ? type : `${type}, ${min} or more`;
  return min === undefined ? `${type}, up to ${max}` : `${type}, ${min} to ${max}`;
}

function durationOf(
  title: string,
  description: string,
  read: (value: unknown) => Reading<number>,
): z.ZodType<number> {
  const pattern = "^(0|(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?)$|\\$\\{";
  const json = { anyOf: [{ type: "string", pattern }, { const: 0 }] };
  return scalar(title, description, json, read);
}

/** A duration as milliseconds, where 0 stands for no limit and gives Infinity; `bounds` are for the others. */
export function durationOrNone(description: string, bounds: Bounds = {}): z.ZodType<number> {
  const isBounded = bounds.min !== undefined || bounds.max !== undefined;
  const title = `${inBounds("duration", bounds)}${isBounded ? ", or 0s" : ""}`;
  return durationOf(title, description, (value) => {
    const { value: ms } = parseDuration(value);
    return ms === 0 ? { value: Number.POSITIVE_INFINITY } : parseDuration(value, bounds);
  });
}

/** A size as bytes. */
export function size(description: string, bounds: Bounds = {}): z.ZodType<number> {
  const pattern = "^\\d+(B|KB|MB|GB|KiB|MiB|GiB)?$|\\$\\{";
  const json = {
    anyOf: [
      { type: "string", pattern },
      { type: "integer", minimum: 0 },
    ],
  };
  return scalar(inBounds("size", bounds), description, json, (value) => parseSize(value, bounds));
}

/** A list. `least` says what to add if there must be an item. `single` lets one item stand for a list of one. */
export function list<T>(
  description: string,
  item: z.ZodType<T>,
  options: { readonly least?: string; readonly single?: "allowed" } = {},
): z.ZodType<readonly T[]> {
  const { least, single } = options;
  const read = (value: unknown, context: z.core.$RefinementCtx): unknown => {
    const isLone = single === "allowed" && value !== undefined && value !== null && !Array.isArray(value);
    const items: unknown = isLone ? [value] : value;
    const count = Array.isArray(items) ? items.length : undefined;
    if (count !== undefined && (count > 0 || least === undefined)) return items;
    const hint = least ?? "write a list: [a, b]";
    if (items === undefined) raise(context, "is missing", hint);
    else raise(context, count === 0 || items === null ? "is empty" : `${show(items)} is not a list`, hint);
    return z.NEVER;
  };
  const extra = single === undefined ? {} : { "x-single": true };
  const minItems = least === undefined ? {} : { minItems: 1 };
  return z.preprocess(read, z.array(item)).meta({ description, ...minItems, ...extra });
}

/** A mapping with names of the user's own. `check` sees each key. */
export function table<T>(
  description: string,
  keys: Readonly<Record<string, unknown>>,
  value: z.ZodType<T>,
  check: (key: string) => Reading<unknown>,
  least?: string,
): z.ZodType<Readonly<Record<string, T>>> {
  const entries = z.record(z.string().meta(keys), value).superRefine(
    (_entries, context) => {
      for (const key of Object.keys(isMapping(_entries) ? _entries : {})) {
        const { complaint } = check(key);
        if (complaint !== undefined) raise(context, complaint.what, complaint.hint, key, "key");
      }
    },
    { when: () => true },
  );
  const minProperties = least === undefined ? {} : { minProperties: 1 };
  return z
    .preprocess((given, context) => asMapping(given, context, least), entries)
    .meta({ description, ...minProperties });
}

/**
 * A mapping with known keys; others are refused with the nearest known name. Nothing at all (`cors:`) counts as `{}`.
 * `check` looks at the keys together and runs in any case: values that were refused are not what their types say there.
 */
export function section<const S extends z.ZodRawShape>(
  description: string,
  shape: S,
  check?: (value: Readonly<Record<string, unknown>>, fail: Fail) => void,
): z.ZodType<z.output<z.ZodObject<S>>> {
  const known = Object.keys(shape);
  const object = z.looseObject(shape).superRefine(
    (value, context) => {
      // With `when` the check also runs after an issue, and then on whatever was there.
      if (!isMapping(value)) return;
      for (const key of Object.keys(value)) {
        if (!Object.hasOwn(shape, key))
          raise(context, "is not a key here", hintForKey(key, known), key, "key");
      }
      check?.(value, (what, hint, key, at) => raise(context, what, hint, key, at));
    },
    { when: () => true },
  );
  return z
    .preprocess((given, context) => asMapping(given, context, undefined), object)
    .meta({ description, additionalProperties: false });
}

/** A section that may be `true` (all defaults) or `false` (absent) instead. */
export function switchable<T>(description: string, of: z.ZodType<T>): z.ZodType<T | undefined> {
  const read = (value: unknown): unknown => {
    if (value === true || value === "true") return {};
    return value === false || value === "false" ? undefined : value;
  };
  return z.preprocess(read, of.optional()).meta({ description, "x-switch": true });
}

/** A section that may be the value of its one necessary key, `key`, alone; faults are then told of the value itself. */
export function shorthand<T>(key: string, of: z.ZodType<T>): z.ZodType<T> {
  const read = (value: unknown, context: z.core.$RefinementCtx): T => {
    const isLong = isMapping(value);
    const result = of.safeParse(isLong ? value : { [key]: value });
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      // Every issue of these builders is a custom one.
      const params = issue.code === "custom" ? issue.params : undefined;
      const path = isLong ? [...issue.path] : [];
      context.addIssue({ code: "custom", message: issue.message, params, path });
    }
    return z.NEVER;
  };
  const { $schema: _, ...long } = z.toJSONSchema(of, { io: "input" });
  return z
    .unknown()
    .transform(read)
    .meta({
      anyOf: [
        { type: "string", title: key },
        { title: "mapping", ...long },
      ],
    });
}

/** What to write instead of the unknown `key`. */
export function hintForKey(key: string, known: readonly string[]): string {
  const near = nearestName(key, known);
  return near === undefined ? `known keys: ${known.join(", ")}` : `did you mean ${near}?`;
}

function asMapping(value: unknown, context: z.core.$RefinementCtx, least: string | undefined): unknown {
  const mapping = value === null && least === undefined ? {} : value;
  const isEmpty = isMapping(mapping) && Object.keys(mapping).length === 0;
  if (isMapping(mapping) && (!isEmpty || least === undefined)) return mapping;
  const hint = least ?? "write keys and values below it";
  if (value === undefined) raise(context, "is missing", hint);
  else raise(context, isEmpty || value === null ? "is empty" : `${show(value)} is not a mapping`, hint);
  return z.NEVER;
}

function raise(context: z.core.$RefinementCtx, what: string, hint: string, key?: string, at?: "key"): void {
  const path = key === undefined ? [] : [key];
  context.addIssue({ code: "custom", message: what, params: { hint, at }, path });
}
