export { openFileWriter } from "./file-writer.ts";
export { LineBuffer, type LineChannel, type LineWriter } from "./line-buffer.ts";
export { openStandardOutput } from "./standard-output.ts";
