import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { compileOrigins, type HeaderList } from "../../../src/http/index.ts";
import { closeCodeOf, closeReason, statusOfClose } from "../../../src/protocol/websocket/close-code.ts";
import {
  controlWord,
  fieldsJson,
  isControlWord,
  readControlWord,
} from "../../../src/protocol/websocket/control-frames.ts";
import { readHandshake } from "../../../src/protocol/websocket/handshake.ts";
import { checkOrigin } from "../../../src/protocol/websocket/origin-check.ts";
import { Code, gatewayStatus, OK, StatusError, upstreamStatus } from "../../../src/status/index.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

function handshake(fields: HeaderList): HeaderList {
  return ["host", "api.test", "sec-websocket-version", "13", "sec-websocket-key", KEY, ...fields];
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return `${error.status.reason} ${error.status.message}`;
    throw error;
  }
  return assert.fail("was not refused");
}

describe("a handshake", () => {
  for (const [offer, named, spoken, method, authorization] of [
    [undefined, undefined, "sluice.json", undefined, undefined],
    ["sluice.json", "sluice.json", "sluice.json", undefined, undefined],
    ["sluice.proto", "sluice.proto", "sluice.proto", undefined, undefined],
    ["chat, sluice.proto,sluice.json", "sluice.proto", "sluice.proto", undefined, undefined],
    ["sluice.bearer.dG9rLmVu, sluice.json", "sluice.json", "sluice.json", undefined, "Bearer tok.en"],
    ["sluice.json, sluice.method.POST", "sluice.json", "sluice.json", "POST", undefined],
    ["sluice.json, sluice.method.purge", "sluice.json", "sluice.json", "PURGE", undefined],
  ] as const) {
    test(`that offers ${offer ?? "nothing"} speaks ${spoken}`, () => {
      const fields = offer === undefined ? [] : ["sec-websocket-protocol", offer];
      const read = readHandshake(handshake(["authorization", "Basic x", ...fields]));
      assert.equal(read.named, named);
      assert.equal(read.spoken, spoken);
      assert.equal(read.method, method);
      const values = read.headers.filter((_, i) => i % 2 === 1 && read.headers[i - 1] === "authorization");
      assert.deepEqual(values, [authorization ?? "Basic x"]);
    });
  }

  test("may offer in several fields", () => {
    const fields = ["sec-websocket-protocol", "sluice.bearer.YQ", "sec-websocket-protocol", "sluice.proto"];
    const read = readHandshake(handshake(fields));
    assert.equal(read.spoken, "sluice.proto");
    assert.equal(read.headers.at(-1), "Bearer a");
  });

  for (const [what, headers, message] of [
    ["no version", ["sec-websocket-key", KEY], "sec-websocket-version is missing; 13 is spoken here"],
    [
      "another version",
      ["sec-websocket-key", KEY, "sec-websocket-version", "8"],
      'sec-websocket-version is "8"; 13 is spoken here',
    ],
    ["no key", ["sec-websocket-version", "13"], "sec-websocket-key is not the base64 of 16 bytes"],
    [
      "a short key",
      ["sec-websocket-version", "13", "sec-websocket-key", "c2hvcnQ="],
      "sec-websocket-key is not the base64 of 16 bytes",
    ],
    [
      "unknown subprotocols alone",
      handshake(["sec-websocket-protocol", "chat"]),
      "none of the subprotocols offered is spoken here; offer sluice.json or sluice.proto",
    ],
    [
      "a credential alone",
      handshake(["sec-websocket-protocol", "sluice.bearer.YQ"]),
      "none of the subprotocols offered is spoken here; offer sluice.json or sluice.proto",
    ],
    [
      "no method",
      handshake(["sec-websocket-protocol", "sluice.json, sluice.method."]),
      'sluice.method: "" is not an HTTP method',
    ],
    ...["", "a=", "YQ==", "Zh", "YSBi", "4oKs", "DQo"].map(
      (token) =>
        [
          `the credential ${JSON.stringify(token)}`,
          handshake(["sec-websocket-protocol", `sluice.json, sluice.bearer.${token}`]),
          "sluice.bearer: what follows is not the base64url, unpadded, of a token",
        ] as const,
    ),
  ] as const) {
    test(`is refused: ${what}`, () => {
      assert.equal(
        refusal(() => readHandshake(headers)),
        `HANDSHAKE_INVALID ${message}`,
      );
    });
  }
});

describe("an origin", () => {
  const listed = compileOrigins(["https://app.test", "https://*.wild.test"]);
  for (const [origin, host, isAllowed] of [
    [undefined, "api.test", true],
    ["https://api.test", "api.test", true],
    ["http://api.test", "api.test", true],
    ["https://API.test", "api.TEST", true],
    ["https://api.test", "api.test:443", true],
    ["http://api.test", "api.test:80", true],
    ["http://api.test:8080", "api.test:8080", true],
    ["http://[::1]:8080", "[::1]:8080", true],
    ["https://app.test", "api.test", true],
    ["https://a.b.wild.test", "api.test", true],
    ["https://wild.test", "api.test", false],
    ["https://evil.test/.wild.test", "api.test", false],
    ["https://evil.test?.wild.test", "api.test", false],
    ["https://evil.test:8443.wild.test", "api.test", false],
    ["https://..wild.test", "api.test", false],
    ["http://app.test", "api.test", false],
    ["http://api.test:8080", "api.test", false],
    ["http://api.test", "api.test:443", false],
    ["https://api.test.evil.test", "api.test", false],
    ["https://evil.test", "api.test", false],
    ["null", "api.test", false],
    ["null", "null", false],
    ["", "", false],
    ["https://", "", false],
    ["api.test", "api.test", false],
  ] as const) {
    test(`${origin} at ${host} is ${isAllowed ? "let in" : "refused"}`, () => {
      const headers = origin === undefined ? ["host", host] : ["host", host, "origin", origin];
      const check = (): void => checkOrigin(headers, listed, 0);
      if (isAllowed) check();
      else assert.match(refusal(check), /^ORIGIN_REFUSED /);
    });
  }

  test("is compared with the forwarded host behind a trusted proxy alone", () => {
    const headers = ["host", "10.0.0.7:80", "origin", "https://www.test", "x-forwarded-host", "www.test"];
    checkOrigin(headers, listed, 1);
    assert.match(
      refusal(() => checkOrigin(headers, listed, 0)),
      /^ORIGIN_REFUSED /,
    );
  });

  test("is any, where any is listed", () => {
    checkOrigin(["origin", "null"], compileOrigins(["*"]), 0);
  });
});

describe("a control word", () => {
  test("is what no JSON text is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(isControlWord(Buffer.from(JSON.stringify(value))), false);
      }),
    );
    assert.equal(isControlWord(Buffer.from("@end")), true);
    assert.equal(isControlWord(Buffer.alloc(0)), false);
  });

  for (const [text, read] of [
    ["@end", { word: "end" }],
    ["@end ", { word: "end" }],
    ["@type text/csv; charset=utf-8", { word: "type", mediaType: "text/csv; charset=utf-8" }],
    ["@headers {}", { word: "headers", headers: [] }],
    ['@headers {"X-A": "1", "b": ""}', { word: "headers", headers: ["x-a", "1", "b", ""] }],
    ['@headers {"__proto__":"x"}', { word: "headers", headers: ["__proto__", "x"] }],
  ] as const) {
    test(text, () => assert.deepEqual(readControlWord(Buffer.from(text)), read));
  }

  for (const text of [
    "@",
    "@ end",
    "@END",
    "@end now",
    "@type",
    "@type ",
    "@status {}",
    "@headers",
    "@headers [",
    "@headers null",
    "@headers []",
    '@headers {"a":1}',
    '@headers {"a":{"b":"c"}}',
    `@type ${"x".repeat(32 * 1024)}`,
  ]) {
    test(`refuses ${text.slice(0, 40)}`, () => {
      assert.match(
        refusal(() => readControlWord(Buffer.from(text))),
        /^FRAME_INVALID /,
      );
    });
  }

  test("reads any text or refuses it", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((json) => `headers ${json}`),
        ),
        (text) => {
          try {
            readControlWord(Buffer.from(`@${text}`));
          } catch (error) {
            assert.ok(error instanceof StatusError);
          }
        },
      ),
    );
  });

  test("carries fields as an object, several values of a name joined", () => {
    assert.equal(
      fieldsJson(["a", "1", "b", "2", "a", "3", "__proto__", "x"]),
      '{"a":"1, 3","b":"2","__proto__":"x"}',
    );
    assert.equal(controlWord("trailers", "{}"), "@trailers {}");
  });
});

describe("the end of a WebSocket", () => {
  for (const [status, code] of [
    [OK, 1000],
    [upstreamStatus(Code.CANCELLED, ""), 4001],
    [upstreamStatus(Code.UNAUTHENTICATED, ""), 4016],
    [gatewayStatus("DEADLINE", ""), 4004],
    [gatewayStatus("DRAINING", ""), 1001],
  ] as const) {
    test(`has ${code} for ${status.reason ?? status.code}`, () => assert.equal(closeCodeOf(status), code));
  }

  test("has at most 123 bytes of the message, and no half character", () => {
    assert.equal(closeReason("x".repeat(123)), "x".repeat(123));
    assert.equal(closeReason("x".repeat(124)), "x".repeat(123));
    assert.equal(closeReason(`${"x".repeat(122)}é`), "x".repeat(122));
    assert.equal(closeReason(`${"x".repeat(120)}😀`), "x".repeat(120));
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (message) => {
        const reason = closeReason(message);
        assert.ok(Buffer.byteLength(reason) <= 123);
        assert.ok(Buffer.from(message).toString().startsWith(reason));
      }),
    );
  });

  for (const [code, reason] of [
    [1000, "CLIENT_GONE"],
    [1005, "CLIENT_GONE"],
    [1006, "CLIENT_GONE"],
    [4321, "CLIENT_GONE"],
    [1002, "FRAME_INVALID"],
    [1007, "FRAME_INVALID"],
    [1008, "FRAME_INVALID"],
    [1009, "BODY_TOO_LARGE"],
    [1013, "CLIENT_TOO_FAST"],
  ] as const) {
    test(`by ${code} is ${reason} to the call`, () =>
      assert.equal(statusOfClose(code, "why").reason, reason));
  }
});
