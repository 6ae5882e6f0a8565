/**
 * `google.protobuf.FieldMask` and its JSON string: paths in lowerCamelCase, joined by commas.
 * Source: google/protobuf/field_mask.proto, "JSON Encoding of Field Masks".
 */

/**
 * The paths, in proto spelling; undefined where a path is malformed.
 *
 * `json` is strict: an underscore is refused, as it could not be written back. `any` also takes paths in proto spelling
 * (`display_name`), which is how clients of Google's APIs write `?update_mask=`.
 */
export function parseFieldMask(text: string, spelling: "json" | "any"): readonly string[] | undefined {
  if (text === "") return [];
  const paths: string[] = [];
  for (const path of text.split(",")) {
    if (path === "" || path.startsWith(".") || path.endsWith(".") || path.includes("..")) return undefined;
    const isProto = path.includes("_");
    if (isProto && spelling === "json") return undefined;
    paths.push(isProto ? path : snakeCase(path));
  }
  return paths;
}

/** The JSON string; undefined where a path has no reversible lowerCamelCase spelling (`foo__bar`, `foo_3`, `fooBar`). */
export function formatFieldMask(paths: readonly string[]): string | undefined {
  const written: string[] = [];
  for (const path of paths) {
    const camel = camelCase(path);
    if (snakeCase(camel) !== path) return undefined;
    written.push(camel);
  }
  return written.join(",");
}

function snakeCase(camel: string): string {
  let snake = "";
  for (const char of camel) snake += char >= "A" && char <= "Z" ? `_${char.toLowerCase()}` : char;
  return snake;
}

function camelCase(snake: string): string {
  let camel = "";
  let isAfterUnderscore = false;
  for (const char of snake) {
    if (char === "_") isAfterUnderscore = true;
    else {
      camel += isAfterUnderscore && char >= "a" && char <= "z" ? char.toUpperCase() : char;
      isAfterUnderscore = false;
    }
  }
  return camel;
}
