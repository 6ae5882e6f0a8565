/** How error messages show text that a client sent: bounded, on one line, and always valid Unicode. */

/** Longest piece of a client's value that a message repeats. */
const MAX_SHOWN = 60;

/** `text` cut to `limit` UTF-16 units with an ellipsis, never through a surrogate pair. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const splits = (text.charCodeAt(limit - 1) & 0xfc00) === 0xd800;
  return `${text.slice(0, splits ? limit - 1 : limit)}…`;
}

/** `text` in double quotes, escaped as JSON, cut short. */
export function quote(text: string): string {
  return JSON.stringify(clip(text, MAX_SHOWN));
}
