/** Joins serialized FileDescriptorProtos; the reverse of `readDescriptorSet`. */

/** `FileDescriptorSet.file`, length-delimited. Source: google/protobuf/descriptor.proto. */
const FILE_TAG = 0x0a;

/** A serialized `google.protobuf.FileDescriptorSet` of these files, in their order. */
export function writeDescriptorSet(files: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const { length } of files) size += 1 + varintBytes(length) + length;
  const set = new Uint8Array(size);
  let pos = 0;
  for (const file of files) {
    set[pos++] = FILE_TAG;
    let rest = file.length;
    for (; rest > 0x7f; rest >>>= 7) set[pos++] = (rest & 0x7f) | 0x80;
    set[pos++] = rest;
    set.set(file, pos);
    pos += file.length;
  }
  return set;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) bytes++;
  return bytes;
}
