import assert from "node:assert/strict";
import { test } from "node:test";
import { addressText } from "../../../src/http/engines/uws/address-text.ts";

for (const [groups, text] of [
  [[0x7f00, 0x0001], "127.0.0.1"],
  [[0, 0, 0, 0, 0, 0, 0, 0], "::"],
  [[0, 0, 0, 0, 0, 0, 0, 1], "::1"],
  [[0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201], "192.0.2.1"],
  [[0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], "2001:db8::1:0:0:1"],
  [[0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], "2001:db8:0:1:1:1:1:1"],
  [[0xfe80, 0, 0, 0, 0, 0, 0, 0], "fe80::"],
  [[1, 2, 3, 4, 5, 6, 7, 8], "1:2:3:4:5:6:7:8"],
  [[], ""],
] as const) {
  test(`writes ${JSON.stringify(groups)} as ${JSON.stringify(text)}`, () => {
    const bytes = Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
    assert.equal(addressText(bytes.buffer), text);
  });
}
