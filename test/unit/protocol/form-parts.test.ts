import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { FormParts } from "../../../src/protocol/rest/form-parts.ts";
import { boundaryOf, readPartHead } from "../../../src/protocol/rest/part-head.ts";
import { StatusError } from "../../../src/status/index.ts";
import { disposition, encodeForm, type FormSource } from "../../support/form-encoder.ts";

const BOUNDARY = "XbX";

/** What a form says: `name[*](type)=hex` for each part, `*` for a file name; or its refusal. */
async function read(pieces: readonly Uint8Array[], boundary = BOUNDARY): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const shown: string[] = [];
    let data: Uint8Array[] = [];
    const refuse = (error: unknown): void => {
      assert.ok(error instanceof StatusError, String(error));
      assert.equal(error.status.reason, "FORM_INVALID");
      resolve([error.status.message]);
    };
    const drain = (): void => {
      try {
        for (let event = form.next(); event !== undefined; event = form.next()) {
          if (event.kind === "end") resolve(shown);
          else if (event.kind === "data") data.push(event.bytes);
          else if (event.kind === "part") {
            const { name, contentType, hasFilename } = event.head;
            shown.push(`${name}${hasFilename ? "*" : ""}(${contentType})=`);
          } else {
            shown.push(`${shown.pop()}${Buffer.concat(data).toString("latin1")}`);
            data = [];
          }
        }
      } catch (error) {
        refuse(error);
      }
    };
    const form = new FormParts(`multipart/form-data; boundary="${boundary}"`, drain);
    try {
      for (const piece of pieces) {
        form.push(Buffer.from(piece));
        drain();
      }
      form.end();
    } catch (error) {
      refuse(error);
    }
  });
}

function field(name: string, data: string | Uint8Array): FormSource {
  return { headers: disposition(name), data };
}

/** Content that looks like what is around it, in all ways that are none. */
const TRICKY = "\r\n--XbY\r\n--Xb\r\n--\r\n\r\n-\r\r\n--xbx--\n--XbX\r--XbX--XbX\r\n\r\n--";

const FORM = encodeForm(BOUNDARY, [
  field("a", ""),
  { headers: disposition("f", "x.png", "image/png"), data: TRICKY },
  field("b.c", "é"),
  { headers: [...disposition("f", "", "a/b; c=d"), "X-Other: 1"], data: Buffer.from([0, 255, 13, 10]) },
]);
const SHOWN = [
  "a()=",
  `f*(image/png)=${TRICKY}`,
  `b.c()=${Buffer.from("é").toString("latin1")}`,
  "f*(a/b; c=d)=\u0000\u00ff\r\n",
];

describe("a form is read", () => {
  test("cut at every position", async () => {
    for (let cut = 0; cut <= FORM.length; cut++) {
      assert.deepEqual(await read([FORM.subarray(0, cut), FORM.subarray(cut)]), SHOWN, `cut at ${cut}`);
    }
  });

  test("byte by byte, and in pieces of every length", async () => {
    for (let length = 1; length < 90; length++) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < FORM.length; at += length) pieces.push(FORM.subarray(at, at + length));
      assert.deepEqual(await read(pieces), SHOWN, `pieces of ${length}`);
    }
  });

  test("past a preamble and an epilogue of any size", async () => {
    const noise = Buffer.alloc(1_000_000, "\r\n--Xb no boundary");
    assert.deepEqual(await read([noise, Buffer.from("\r\n"), FORM, noise, noise]), SHOWN);
    assert.deepEqual(
      await read([Buffer.concat([Buffer.from("hi\r\n"), FORM, Buffer.from("--XbX--bye")])]),
      SHOWN,
    );
  });

  test("without parts", async () => assert.deepEqual(await read([encodeForm(BOUNDARY, [])]), []));

  test("with 1,000 tiny parts in one piece", async () => {
    const parts = Array.from({ length: 1000 }, (_, i) => field(`n${i}`, "x"));
    assert.equal((await read([encodeForm(BOUNDARY, parts)])).length, 1000);
  });

  test("with a form inside of a part, which is content", async () => {
    const inner = encodeForm("inner", [field("x", "y")]);
    const headers = disposition("f", undefined, "multipart/mixed; boundary=inner");
    const shown = await read([encodeForm(BOUNDARY, [{ headers, data: inner }])]);
    assert.deepEqual(shown, [`f(multipart/mixed; boundary=inner)=${inner.toString("latin1")}`]);
  });

  test("like the encoder wrote it, whatever the parts and the cuts", async () => {
    const piece = fc.constantFrom(
      "\r",
      "\n",
      "\r\n",
      "-",
      "--",
      "\r\n-",
      "\r\n--",
      "\r\n--X",
      "\r\n--Xb",
      "X",
      "b",
      "abc",
    );
    const content = fc.array(piece, { maxLength: 12 }).map((all) => all.join(""));
    const part = fc.record({
      name: fc.constantFrom("a", "a.b", "m[k]", "é"),
      data: content,
      isFile: fc.boolean(),
    });
    const cuts = fc.array(fc.nat(400), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), cuts, async (parts, positions) => {
        // What follows the headers follows a line end, so content that begins with the delimiter is none.
        const known = parts.filter(({ data }) => !`\r\n${data}\r\n`.slice(0, -2).includes("\r\n--XbX"));
        const body = encodeForm(
          BOUNDARY,
          known.map(({ name, data, isFile }) => ({
            headers: disposition(name, isFile ? "f" : undefined),
            data,
          })),
        );
        const ends = [...positions.filter((at) => at < body.length).sort((a, b) => a - b), body.length];
        const pieces = ends.map((end, i) => body.subarray(ends[i - 1] ?? 0, end));
        const expected = known.map(({ name, data, isFile }) => `${name}${isFile ? "*" : ""}()=${data}`);
        assert.deepEqual(await read(pieces), expected);
      }),
      { numRuns: 400 },
    );
  });

  test("or refused, whatever bytes come", async () => {
    const token = fc.constantFrom(
      "--XbX",
      "\r\n",
      "--",
      ":",
      "Content-Disposition: form-data; name=a",
      "\r\n\r\n",
      '"',
      "\u0000",
      "x",
      ";",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(token, { maxLength: 30 }), fc.nat(100), async (tokens, cut) => {
        const body = Buffer.from(tokens.join(""));
        const whole = await read([body]);
        assert.deepEqual(await read([body.subarray(0, cut), body.subarray(cut)]), whole);
      }),
      { numRuns: 600 },
    );
  });
});

describe("a form is refused", () => {
  const close = "\r\n--XbX--\r\n";
  const rows: readonly (readonly [title: string, body: string | Uint8Array, what: RegExp])[] = [
    ["empty", "", /^the body ends before a part begins; does the boundary match\?$/],
    ["with another boundary", encodeForm("other", [field("a", "b")]), /^the body ends before a part begins/],
    [
      "cut in a part",
      '--XbX\r\nContent-Disposition: form-data; name="a"\r\n\r\nx',
      /^the body ends within part 1 \("a"\)/,
    ],
    ["cut in headers", '--XbX\r\nContent-Disposition: form-data; name="a"', /^the body ends within part 1,/],
    [
      "cut before the closing",
      '--XbX\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--XbX',
      /^the body ends within part 1 \("a"\)/,
    ],
    [
      "with an open header block",
      `--XbX\r\nContent-Disposition: form-data; name="a"${close}`,
      /^part 1: its headers do not end/,
    ],
    [
      "without a disposition",
      `--XbX\r\nContent-Type: text/plain\r\n\r\nx${close}`,
      /^part 1 has no content-disposition header$/,
    ],
    ["without headers", `--XbX\r\n\r\nx${close}`, /^part 1 has no content-disposition header$/],
    [
      "with a header that is none",
      `--XbX\r\nnonsense\r\n\r\nx${close}`,
      /^part 1 has no content-disposition header$/,
    ],
    [
      "with a line feed in a header",
      `--XbX\r\nContent-Disposition: form-data;\n name=a\r\n\r\nx${close}`,
      /^part 1 has no/,
    ],
    [
      "with two dispositions",
      `--XbX\r\n${disposition("a")[0]}\r\n${disposition("b")[0]}\r\n\r\nx${close}`,
      /^part 1 has two content-disposition headers$/,
    ],
    [
      "with two types",
      `--XbX\r\n${disposition("a", "x", "a/b").join("\r\n")}\r\nContent-Type: c/d\r\n\r\nx${close}`,
      /^part 1 has two content-type headers$/,
    ],
    [
      "with a name that is no UTF-8",
      Buffer.from(`--XbX\r\n${disposition("\u00ff")[0]}\r\n\r\nx${close}`, "latin1"),
      /^part 1: its content-disposition is not UTF-8$/,
    ],
    [
      "with a long name",
      encodeForm(BOUNDARY, [field("n".repeat(1025), "x")]),
      /^part 1: the name is longer than 1024 bytes$/,
    ],
    [
      "with long headers",
      encodeForm(BOUNDARY, [{ headers: [...disposition("a"), `X: ${"y".repeat(9000)}`], data: "" }]),
      /^part 1: its headers are longer than 8192 bytes$/,
    ],
    [
      "with longer headers than the parser keeps",
      encodeForm(BOUNDARY, [{ headers: [...disposition("a"), `X: ${"y".repeat(1_000_000)}`], data: "" }]),
      /^part 1: its headers are longer than 8192 bytes$/,
    ],
    [
      "with folded headers",
      encodeForm(BOUNDARY, [{ headers: [...disposition("a"), `X: y${"\r\n ".repeat(100_000)}`], data: "" }]),
      /^part 1: its headers are longer than 8192 bytes$/,
    ],
    [
      "with many headers",
      encodeForm(BOUNDARY, [
        { headers: [...disposition("a"), ...Array.from({ length: 40 }, (_, i) => `X${i}: y`)], data: "" },
      ]),
      /^part 1 has more than 32 headers$/,
    ],
    [
      "with too many parts",
      encodeForm(
        BOUNDARY,
        Array.from({ length: 1001 }, () => field("a", "")),
      ),
      /^the form has more than 1000 parts$/,
    ],
    [
      "in an encoding",
      encodeForm(BOUNDARY, [
        { headers: [...disposition("a"), "Content-Transfer-Encoding: base64"], data: "AA==" },
      ]),
      /^part 1 \("a"\): content-transfer-encoding "base64" is not decoded here$/,
    ],
    [
      "later on",
      encodeForm(BOUNDARY, [field("a", "b"), { headers: ["X: y"], data: "" }]),
      /^part 2 has no content-disposition header$/,
    ],
  ];
  for (const [title, body, what] of rows) {
    test(title, async () => {
      const [told, ...more] = await read([Buffer.from(body)]);
      assert.match(told ?? "", what);
      assert.deepEqual(more, []);
    });
  }

  // The parser begins a part lazily: when what follows the delimiter may be another one, it depends on the pieces.
  for (const body of [
    "--XbX\r\n",
    "--XbX\r\nX: y\r\n--XbX\r\n",
    `--XbX\r\n${disposition("a")[0]}\r\n\r\nx\r\n--XbX\r\n`,
  ]) {
    test(`in the same words wherever ${JSON.stringify(body)} is cut`, async () => {
      const whole = await read([Buffer.from(body)]);
      for (let cut = 0; cut <= body.length; cut++) {
        assert.deepEqual(
          await read([Buffer.from(body.slice(0, cut)), Buffer.from(body.slice(cut))]),
          whole,
          `at ${cut}`,
        );
      }
    });
  }

  test("cut short at any byte", async () => {
    const last = FORM.lastIndexOf("--") + 2;
    for (let length = 0; length < last; length++) {
      const [told] = await read([FORM.subarray(0, length)]);
      assert.match(told ?? "", /^the body ends /, `at ${length}`);
    }
  });
});

describe("the head of a part", () => {
  const rows: readonly (readonly [header: string, name: string, isFile: boolean])[] = [
    ["form-data; name=a", "a", false],
    ['form-data;name="a b"', "a b", false],
    ['FORM-DATA ; NAME="a"', "a", false],
    ['form-data; name="a";', "a", false],
    ['form-data; name="a\\"b\\\\c\\d"', 'a"b\\c\\d', false],
    ['form-data; name="a;b=c"; filename="x;y"', "a;b=c", true],
    ['form-data; filename=""; name="a"', "a", true],
    ["form-data; name=a; filename*=UTF-8''%e2%82%ac", "a", true],
    ["form-data; name=a; filename*=UTF-8''%zz", "a", true],
    ['form-data; name=""', "", false],
    ['form-data; name="__proto__"', "__proto__", false],
  ];
  for (const [header, name, isFile] of rows) {
    test(header, () => {
      const head = readPartHead({ "content-disposition": [header] }, 1);
      assert.deepEqual(head, { name, contentType: "", hasFilename: isFile });
    });
  }

  for (const header of [
    "attachment; name=a",
    "form-data; name",
    'form-data; name="a',
    'form-data; name="a"b',
    'form-data; name=a"b"',
    "form-data; =a",
    "form-data; name=a; name=b",
    "form-data; name=a;; filename=b",
    'form-data; name = "a"',
    'form-data; name="a"; filename="C:\\dir\\"',
    "",
  ]) {
    test(`${header} is refused`, () => {
      assert.throws(
        () => readPartHead({ "content-disposition": [header] }, 3),
        /^StatusError: part 3: content-dis/,
      );
    });
  }
  test("without a name is refused", () =>
    assert.throws(() => readPartHead({ "content-disposition": ["form-data"] }, 3), /part 3 has no name/));
});

describe("the boundary", () => {
  for (const [header, expected] of [
    ["multipart/form-data; boundary=abc", "abc"],
    ['Multipart/Form-Data; charset=utf-8; Boundary="a b:c"', "a b:c"],
    [`multipart/form-data; boundary=${"x".repeat(70)}`, "x".repeat(70)],
  ] as const) {
    test(`of ${header}`, () => assert.equal(boundaryOf(header), expected));
  }
  for (const header of [
    "multipart/form-data",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary=""',
    "multipart/form-data; boundary=a; boundary=b",
    'multipart/form-data; boundary="a',
    "multipart/form-data; boundary=é",
    'multipart/form-data; boundary="a\u0001"',
    `multipart/form-data; boundary=${"x".repeat(71)}`,
  ]) {
    test(`of ${header} is refused`, () =>
      assert.throws(() => boundaryOf(header), /the (boundary|content-type)/));
  }
});
