import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ListenAddress, ListenError } from "../../../src/http/index.ts";

describe("an address that cannot be bound says why in words", () => {
  const port: ListenAddress = { host: "::1", port: 80 };
  const socket: ListenAddress = { path: "/run/a.sock", mode: 0o660 };
  const rows: readonly [address: ListenAddress, code: string, cause: string, text: string][] = [
    [
      port,
      "EADDRINUSE",
      "listen EADDRINUSE: address already in use ::1:80",
      "[::1]:80: another process listens there (EADDRINUSE)",
    ],
    [
      port,
      "EACCES",
      "listen EACCES: permission denied ::1:80",
      "[::1]:80: this user may not; ports below 1024 may need a privilege (EACCES)",
    ],
    [
      socket,
      "EACCES",
      "listen EACCES: permission denied /run/a.sock",
      "unix:/run/a.sock: its folder is missing, or this user may not write to it (EACCES)",
    ],
    [
      { host: "gateway.example", port: 80 },
      "EAI_AGAIN",
      "getaddrinfo EAI_AGAIN gateway.example",
      "gateway.example:80: the host's name cannot be looked up now (EAI_AGAIN)",
    ],
    [port, "EMFILE", "listen EMFILE: too many open files", "[::1]:80: listen EMFILE: too many open files"],
    [port, "EADDRINUSE", "the addon could not bind it", "[::1]:80: the addon could not bind it"],
  ];
  for (const [address, code, cause, text] of rows) {
    test(`${code}: ${text}`, () => {
      const error = new ListenError(address, code, cause);
      assert.deepEqual([error.message, error.code], [`cannot listen on ${text}`, code]);
    });
  }
});
