import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFileRegistry, type DescMessage, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../../src/gen/google/rpc/error_details_pb.ts";
import { Code, gatewayStatus, type StatusDetail, upstreamStatus } from "../../../src/status/index.ts";
import {
  createProblemRenderer,
  createStatusRenderer,
  renderKratosError,
  retryAfterSeconds,
} from "../../../src/transcode/index.ts";
import { causeOf, violationsOf } from "../../../src/transcode/status/known-details.ts";
import { Inner, registry } from "../../contract/transcoder/types.ts";

const status = createStatusRenderer(registry);
const problem = createProblemRenderer(registry);
const violations = [{ field: "/a", description: "expected a string, found 1" }];
const ours = gatewayStatus("JSON_INVALID", 'bad "body"', violations);

function detail(desc: DescMessage, json: JsonValue): StatusDetail {
  return { typeUrl: `type.googleapis.com/${desc.typeName}`, value: toBinary(desc, fromJson(desc, json)) };
}

const theirs = upstreamStatus(Code.RESOURCE_EXHAUSTED, "slow down", [
  detail(ErrorInfoSchema, { reason: "QUOTA", domain: "demo.test", metadata: { zone: "b" } }),
  detail(BadRequestSchema, { fieldViolations: [{ field: "x", description: "too big", reason: "R" }] }),
  detail(RetryInfoSchema, { retryDelay: "1.001s" }),
]);

describe("a status as google.rpc.Status", () => {
  it("of the gateway carries ErrorInfo and BadRequest", () => {
    assert.deepEqual(JSON.parse(status(ours)), {
      code: 3,
      message: 'bad "body"',
      details: [
        { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "JSON_INVALID", domain: "sluice" },
        { "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: violations },
      ],
    });
    assert.equal(
      status(gatewayStatus("NO_ROUTE", "")),
      '{"code":5,"message":"","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"NO_ROUTE","domain":"sluice"}]}',
    );
  });

  it("of the upstream has its details decoded: google.rpc, well-known, and those of the schemas", () => {
    assert.deepEqual(JSON.parse(status(theirs)).details, [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason: "QUOTA",
        domain: "demo.test",
        metadata: { zone: "b" },
      },
      {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        fieldViolations: [{ field: "x", description: "too big", reason: "R" }],
      },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1.001s" },
    ]);
    const mixed = upstreamStatus(Code.ABORTED, "m", [
      detail(Inner, { name: "n" }),
      detail(DurationSchema, "2s"),
    ]);
    assert.deepEqual(JSON.parse(status(mixed)).details, [
      { "@type": "type.googleapis.com/demo.Inner", name: "n" },
      { "@type": "type.googleapis.com/google.protobuf.Duration", value: "2s" },
    ]);
  });

  it("keeps details of unknown type and undecodable ones as base64", () => {
    const odd = upstreamStatus(Code.INTERNAL, "m", [
      { typeUrl: "x.test/demo.Gone", value: Buffer.from([1, 2, 3]) },
      { typeUrl: "type.googleapis.com/demo.Inner", value: Buffer.from([0x0a, 0x7f]) },
      { typeUrl: "", value: Buffer.from([9]) },
    ]);
    assert.deepEqual(JSON.parse(status(odd)).details, [
      { "@type": "x.test/demo.Gone", value: "AQID" },
      { "@type": "type.googleapis.com/demo.Inner", value: "Cn8=" },
      { "@type": "", value: "CQ==" },
    ]);
  });

  it("has the same keys whatever it says", () => {
    assert.equal(
      status(upstreamStatus(Code.NOT_FOUND, 'no "x"\n')),
      '{"code":5,"message":"no \\"x\\"\\n","details":[]}',
    );
  });
});

describe("a status as application/problem+json", () => {
  it("of the gateway has title, status, detail, code, reason and violations", () => {
    assert.deepEqual(JSON.parse(problem(ours, 400)), {
      type: "about:blank",
      title: "Bad Request",
      status: 400,
      detail: 'bad "body"',
      code: "INVALID_ARGUMENT",
      reason: "JSON_INVALID",
      violations,
    });
  });

  it("of the upstream takes reason and violations from its details, and keeps these", () => {
    const body = JSON.parse(problem(theirs, 429));
    assert.equal(body.title, "Too Many Requests");
    assert.equal(body.reason, "QUOTA");
    assert.deepEqual(body.violations, [{ field: "x", description: "too big" }]);
    assert.equal(body.details.length, 3);
  });

  it("of a bare status has nothing empty", () => {
    assert.deepEqual(JSON.parse(problem(upstreamStatus(Code.UNKNOWN, "m"), 599)), {
      type: "about:blank",
      title: "UNKNOWN",
      status: 599,
      detail: "m",
      code: "UNKNOWN",
    });
  });
});

describe("a status as Kratos has it", () => {
  it("has the HTTP status, reason, message and metadata", () => {
    assert.deepEqual(JSON.parse(renderKratosError(theirs, 429)), {
      code: 429,
      reason: "QUOTA",
      message: "slow down",
      metadata: { zone: "b", x: "too big" },
    });
    assert.deepEqual(JSON.parse(renderKratosError(ours, 400)), {
      code: 400,
      reason: "JSON_INVALID",
      message: 'bad "body"',
      metadata: { "/a": "expected a string, found 1" },
    });
    assert.equal(
      renderKratosError(upstreamStatus(Code.UNKNOWN, "m"), 500),
      '{"code":500,"reason":"","message":"m","metadata":{}}',
    );
  });
});

describe("what a status's details say", () => {
  it("is a delay, rounded up to whole seconds", () => {
    const retry = (json: JsonValue): number | undefined =>
      retryAfterSeconds(upstreamStatus(Code.UNAVAILABLE, "m", [detail(RetryInfoSchema, json)]));
    assert.equal(retry({ retryDelay: "1s" }), 1);
    assert.equal(retry({ retryDelay: "1.000000001s" }), 2);
    assert.equal(retry({ retryDelay: "0s" }), 0);
    assert.equal(retry({ retryDelay: "-5s" }), undefined);
    assert.equal(retry({}), undefined);
    assert.equal(retryAfterSeconds(ours), undefined);
  });

  it("is passed over where its bytes are broken", () => {
    const value = Buffer.from([0xff]);
    const broken = upstreamStatus(
      Code.INTERNAL,
      "m",
      [ErrorInfoSchema, BadRequestSchema, RetryInfoSchema].map(({ typeName }) => ({
        typeUrl: `x/${typeName}`,
        value,
      })),
    );
    assert.equal(causeOf(broken), undefined);
    assert.deepEqual(violationsOf(broken), []);
    assert.equal(retryAfterSeconds(broken), undefined);
    const plain = createStatusRenderer(createFileRegistry());
    assert.equal(JSON.parse(plain(broken)).details[0].value, "/w==");
  });
});
