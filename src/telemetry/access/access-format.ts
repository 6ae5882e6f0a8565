/**
 * A line of the access log, as JSON or by a template.
 *
 *     template = *( text | "{{" | "}}" | "{" name "}" )       name = "time", or the name of a field
 *
 * Not `${name}`: in a config file that refers to the environment. A template is compiled once; a value is written so that no
 * client can begin a line, or end a quoted value, of its own.
 */
import type { AccessRecord } from "../access-record.ts";
import {
  ACCESS_FIELDS,
  accessFieldReader,
  type FieldValue,
  isAccessField,
  type RedactionRules,
} from "./access-fields.ts";

/** Writes one line, its end included; `timeMs` is since 1970. */
export type AccessFormat = (record: AccessRecord, timeMs: number) => string;

/** Lines of JSON with these fields, as the gateway's own log has them. */
export function jsonAccessFormat(fields: readonly string[], rules: RedactionRules): AccessFormat {
  const readers = fields.map((name) => ({
    key: `,${JSON.stringify(name)}:`,
    read: accessFieldReader(name, rules),
  }));
  return (record, timeMs) => {
    let line = `{"level":"info","time":"${new Date(timeMs).toISOString()}"`;
    for (const { key, read } of readers) {
      const value = read(record);
      if (value !== undefined) line += key + (typeof value === "number" ? value : JSON.stringify(value));
    }
    return `${line},"msg":"request"}\n`;
  };
}

/** A part of a template. */
export type TemplatePart = { readonly text: string } | { readonly name: string };

/** The parts of a template, or what is wrong with it. */
export type TemplateReading =
  | { readonly parts: readonly TemplatePart[]; readonly fault?: undefined }
  | { readonly parts?: undefined; readonly fault: { readonly what: string; readonly hint: string } };

const TIME = "time";

/** Reads a template. */
export function parseAccessTemplate(template: string): TemplateReading {
  const parts: TemplatePart[] = [];
  let text = "";
  for (let at = 0; at < template.length; ) {
    const pair = template.slice(at, at + 2);
    const character = template[at] ?? "";
    if (pair === "{{" || pair === "}}") {
      text += character;
      at += 2;
    } else if (character === "{") {
      const end = template.indexOf("}", at);
      const name = template.slice(at + 1, end < 0 ? undefined : end);
      if (end < 0) return fault(`"{${name.slice(0, 64)}" is not closed`, "write {name}, or {{ for a brace");
      if (name !== TIME && !isAccessField(name)) {
        return fault(
          `"{${name.slice(0, 64)}}" is not a field`,
          `fields: time, ${ACCESS_FIELDS.join(", ")}, header.NAME`,
        );
      }
      if (text !== "") parts.push({ text });
      text = "";
      parts.push({ name });
      at = end + 1;
    } else if (character === "}") {
      return fault("a } has no { before it", "write }} for a brace");
    } else {
      text += character;
      at++;
    }
  }
  if (text !== "") parts.push({ text });
  if (!parts.some((part) => "name" in part)) {
    return fault("it names no field", "write json, or a template: {method} {path} {status} {durationMs}ms");
  }
  return { parts };
}

function fault(what: string, hint: string): TemplateReading {
  return { fault: { what, hint } };
}

/** Lines by a template that has been read. What a request does not have is `-`. */
export function templateAccessFormat(parts: readonly TemplatePart[], rules: RedactionRules): AccessFormat {
  const writers = parts.map((part): AccessFormat => {
    if ("text" in part) return () => part.text;
    if (part.name === TIME) return (_, timeMs) => new Date(timeMs).toISOString();
    const read = accessFieldReader(part.name, rules);
    return (record) => plain(read(record));
  });
  return (record, timeMs) => {
    let line = "";
    for (const write of writers) line += write(record, timeMs);
    return `${line}\n`;
  };
}

function plain(value: FieldValue): string {
  if (typeof value === "number") return String(value);
  const text = typeof value === "string" ? value : (value ?? []).join(",");
  if (text === "") return "-";
  for (let i = 0; i < text.length; i++) {
    if (isUnsafe(text.charCodeAt(i))) return escaped(text);
  }
  return text;
}

/** Control characters of both kinds, what Unicode takes for the end of a line, the quote, and what escapes. */
function isUnsafe(c: number): boolean {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c === 0x22 || c === 0x5c || c === 0x2028 || c === 0x2029;
}

function escaped(text: string): string {
  let result = "";
  for (const character of text) {
    const c = character.charCodeAt(0);
    if (!isUnsafe(c)) result += character;
    else if (c === 0x22 || c === 0x5c) result += `\\${character}`;
    else result += `\\u${c.toString(16).padStart(4, "0")}`;
  }
  return result;
}
