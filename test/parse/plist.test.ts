import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { parse as oracle } from "plist";
import {
  deepestNesting,
  longestDocument,
  parsePlist,
  type PlistOptions,
} from "../../src/parse/plist/reader.ts";
import { longestString } from "../../src/parse/plist/text.ts";
import type { ParseError } from "../../src/parse/result.ts";
import { createFramer } from "../../src/source/frame.ts";
import { applePlist, plain, type Writable } from "./apple-plist.ts";
import { documents, powermetricsCaptures, withCaptures } from "./captures.ts";

function read(document: string | Buffer, options?: PlistOptions): unknown {
  const result = parsePlist(Buffer.from(document), options);
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return plain(result.value);
}

function readValue(markup: string, options?: PlistOptions): unknown {
  return read(`<plist version="1.0">${markup}</plist>`, options);
}

function refuse(document: string): ParseError {
  const result = parsePlist(Buffer.from(document));
  assert.ok(!result.ok, "the document was read");
  return result.error;
}

test("reals as C's %g spells them, and integers, are the nearest doubles", () => {
  const spellings = [
    "0",
    "1",
    "-1",
    "90.0962",
    "1.02002e+09",
    "4.4495e-05",
    "1e-310",
    "1e+308",
    "0.1",
    "123456789012345678",
  ];
  for (const spelling of [
    ...spellings,
    "-0.000265531",
    "9007199254740993",
    "1e22",
    "1e23",
    "5e-324",
    ".5",
    "5.",
  ])
    assert.equal(readValue(`<real>${spelling}</real>`), Number(spelling), spelling);
  assert.equal(readValue("<integer>6339466243221</integer>"), 6339466243221);
  assert.equal(readValue("<integer>-9223372036854775808</integer>"), -(2 ** 63));
  assert.equal(readValue("<integer> 7\n</integer>"), 7);
});

test("any double printed with %g or in full is read as JavaScript reads it", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      for (const spelling of [String(value), value.toPrecision(6), value.toExponential(5)])
        assert.equal(readValue(`<real>${spelling}</real>`), Number(spelling), spelling);
    }),
  );
});

test("what printf spells as no number, and what is none, is not finite", () => {
  for (const spelling of ["nan", "-nan", "NaN", "nan(0x8000000)", "", "12abc", "1e", "-", "1.2.3"])
    assert.equal(readValue(`<real>${spelling}</real>`), NaN, spelling);
  assert.equal(readValue("<real/>"), NaN);
  assert.equal(readValue("<real>inf</real>"), Infinity);
  assert.equal(readValue("<real>-INF</real>"), -Infinity);
});

test("entities are decoded, and what is none stays", () => {
  assert.equal(readValue("<string>&amp;&lt;&gt;&quot;&apos;&#65;&#x1F600;</string>"), "&<>\"'A😀");
  assert.equal(readValue("<string>R&D &amp; &nbsp; &#; &#1114112;</string>"), "R&D & &nbsp; &#; &#1114112;");
  assert.deepEqual(readValue("<dict><key>a&amp;b</key><true/></dict>"), { "a&b": true });
});

test("half a surrogate pair is no character, and a NUL is dropped", () => {
  assert.equal(readValue("<string>a&#xD800;b&#56320;c&#0;d</string>"), "a&#xD800;b&#56320;cd");
});

test("an unescaped process name is read as it is", () => {
  assert.equal(readValue("<string>a < b <c> <stringy> </3</string>"), "a < b <c> <stringy> </3");
});

test("a string that is not closed does not swallow the next element", () => {
  assert.equal(refuse("<plist><array><string>a<string>b</string></array></plist>").kind, "syntax");
});

test("text of other scripts, CDATA, comments and NULs are read", () => {
  assert.equal(readValue("<string>Übersicht 日本 😀</string>"), "Übersicht 日本 😀");
  assert.equal(readValue("<string>a<![CDATA[<&>]]>b<!-- c -->d</string>"), "a<&>bd");
  assert.equal(readValue("<string>a\0b</string>"), "ab");
  assert.deepEqual(readValue("<!-- </plist> --><array><!-- <x> --><integer>1</integer>\0</array>"), [1]);
});

test("empty elements in both spellings are empty values", () => {
  assert.deepEqual(
    readValue("<array><array/><dict/><string/><array></array><dict></dict><string></string></array>"),
    [[], {}, "", [], {}, ""],
  );
  assert.deepEqual(readValue("<array><true/><false></false><true /></array>"), [true, false, true]);
});

test("a key that repeats keeps its last value, and no key is special", () => {
  assert.deepEqual(
    readValue("<dict><key>a</key><integer>1</integer><key>a</key><integer>2</integer></dict>"),
    { a: 2 },
  );
  const result = parsePlist(
    Buffer.from("<plist><dict><key>__proto__</key><dict><key>polluted</key><true/></dict></dict></plist>"),
  );
  assert.ok(result.ok && result.value instanceof Map);
  assert.ok(result.value.has("__proto__"));
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

test("dates are UTC, and others are invalid", () => {
  assert.deepEqual(readValue("<date>2026-09-20T07:50:03Z</date>"), new Date(Date.UTC(2026, 8, 20, 7, 50, 3)));
  for (const text of ["yesterday", "2026-09-20T07:50:03", "2026-99-20T07:50:03Z", ""])
    assert.ok(Number.isNaN(Number(readValue(`<date>${text}</date>`))), text);
});

test("data is decoded", () => {
  assert.deepEqual(readValue("<data>\n  aGVs\n  bG8=\n</data>"), Buffer.from("hello"));
});

test("prolog, document type with a subset, byte order mark, CRLF and indentation make no difference", () => {
  const document = `\uFEFF<?xml version="1.0"?>\r\n<!DOCTYPE plist [<!ENTITY a "b">]>\r\n<plist version="1.0">\r\n\t<dict>\r\n\t\t<key>a</key>\r\n\t\t<integer>1</integer>\r\n\t</dict>\r\n</plist>\r\n\0`;
  assert.deepEqual(read(document), { a: 1 });
});

test("a message printed into the middle of a document is passed over", () => {
  assert.deepEqual(
    readValue("<dict>\nproc_pidpath 1 failed(0)\n<key>a</key>\noh & no\n<integer>1</integer></dict>"),
    {
      a: 1,
    },
  );
});

test("what is not kept is passed over, whatever it holds", () => {
  const skipped =
    "<array><dict><key>x<y</key><array/><string>a]]></string><!-- <array> --></dict><dict/></array>";
  const document = `<dict><key>a</key>${skipped}<key>b</key><dict><key>a</key><array><true/></array></dict><key>c</key><array/></dict>`;
  const asked: [string, number][] = [];
  const keep = (key: string, depth: number): boolean => {
    asked.push([key, depth]);
    return key !== "a" || depth !== 1;
  };
  assert.deepEqual(readValue(document, { keep }), { b: { a: [true] }, c: [] });
  assert.deepEqual(asked, [
    ["a", 1],
    ["b", 1],
    ["a", 2],
    ["c", 1],
  ]);
});

test("malformed documents are errors that say where and what was wanted", () => {
  const cases: [document: string, offset: number, message: RegExp][] = [
    ["<plist><dict><key>a</key></dict></plist>", 25, /got "<\/dict>", want a value$/],
    ["<plist><dict><integer>1</integer></dict></plist>", 13, /got "<integer>", want <key> or <\/dict>$/],
    ["<plist><dict><key>a</key><key>b</key></dict></plist>", 25, /got "<key>", want a value$/],
    ["<plist><array><foo/></array></plist>", 14, /got "<foo\/>", want a value$/],
    ["<plist><array><true/></dict></plist>", 21, /got "<\/dict>", want <\/array>$/],
    ["<plist><integer>1</real></plist>", 17, /got "<\/real>", want <\/integer>$/],
    ["<plist><true/><true/></plist>", 14, /got "<true\/>", want <\/plist>$/],
    ["<plist><string>abc", 18, /got the end of the document, want an end tag$/],
    ["<plist><dict><key>a</key>", 25, /got the end of the document, want a value$/],
    ["<plist></plist>", 7, /want a value$/],
    ["<plist/>", 8, /want <plist> with a value in it$/],
    ["<html></html>", 0, /got "<html>", want <plist>/],
    ["powermetrics must be invoked as the superuser", 45, /want <plist>/],
  ];
  for (const [document, offset, message] of cases) {
    const error = refuse(document);
    assert.equal(error.kind, "syntax", document);
    assert.equal(error.offset, offset, document);
    assert.match(error.message, message, document);
  }
});

test("a container that is skipped and never ends is an error", () => {
  const result = parsePlist(Buffer.from("<plist><dict><key>a</key><array><dict></dict>"), {
    keep: () => false,
  });
  assert.ok(!result.ok);
  assert.match(result.error.message, /got the end of the document/);
});

test("nothing is an error of its own", () => {
  for (const document of ["", "\n", "\0\0"]) assert.equal(refuse(document).kind, "empty");
});

test("depth, strings and documents are bounded", () => {
  const nested = (depth: number): string =>
    `<plist>${"<array>".repeat(depth)}<true/>${"</array>".repeat(depth)}</plist>`;
  assert.ok(parsePlist(Buffer.from(nested(deepestNesting))).ok);
  assert.equal(refuse(nested(deepestNesting + 1)).kind, "limit");
  assert.equal(refuse(nested(200_000)).kind, "limit");
  assert.equal(refuse(`<plist><string>${"x".repeat(longestString + 1)}</string></plist>`).kind, "limit");
  assert.equal(refuse(`<plist><string>${"<".repeat(longestString + 1)}</string></plist>`).kind, "limit");
  assert.equal(refuse(" ".repeat(longestDocument + 1)).kind, "limit");
});

test("bytes of any kind never throw", () => {
  const token = fc.constantFrom(
    "<",
    ">",
    "/",
    "<plist>",
    "<dict>",
    "</dict>",
    "<key>",
    "</key>",
    "<array>",
    "<string>",
    "&",
    "<!--",
    "<![CDATA[",
    "<?",
    "é",
    "\0",
    "1",
  );
  fc.assert(
    fc.property(fc.array(token), (tokens) => {
      parsePlist(Buffer.from(tokens.join("")));
      parsePlist(Buffer.from(`<plist>${tokens.join("")}`), { keep: () => false });
    }),
  );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void parsePlist(bytes)));
});

test("every proper prefix of a document is an error", () => {
  const document = Buffer.from(applePlist({ a: [1, { b: "ü", c: 1.5 }], d: true }).trimEnd());
  for (let length = 0; length < document.length - 1; length++)
    assert.ok(!parsePlist(document.subarray(0, length)).ok, String(length));
});

const text = fc.string({ unit: "grapheme" }).map((string) => string.replace(/[\p{C}\r]/gu, ""));
const { tree } = fc.letrec<{ tree: Writable }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    text,
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
    fc.boolean(),
    fc
      .date({
        min: new Date("1970-01-01T00:00:00Z"),
        max: new Date("2100-01-01T00:00:00Z"),
        noInvalidDate: true,
      })
      .map((date) => {
        date.setUTCMilliseconds(0);
        return date;
      }),
    fc.array(tie("tree"), { maxLength: 5 }),
    fc
      .dictionary(
        text.filter((key) => key !== "__proto__"),
        tie("tree"),
        { maxKeys: 5 },
      )
      .map((dict) => ({ ...dict })),
  ),
}));

test("what is written in Apple's style is read back, and as the plist package reads it", () => {
  fc.assert(
    fc.property(tree, (value) => {
      assert.deepEqual(read(applePlist(value)), value);
    }),
  );
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.stringMatching(/^[a-z][a-z_]{0,11}$/),
        fc.oneof(fc.integer(), fc.boolean(), fc.stringMatching(/^[a-z&<> ]{1,9}$/)),
      ),
      (dict) => {
        const document = applePlist({ list: [{ ...dict }], last: 1 });
        assert.deepEqual(read(document), JSON.parse(JSON.stringify(oracle(document))));
      },
    ),
  );
});

test("documents in a stream with NULs and garbage, cut anywhere, come out equal", () => {
  fc.assert(
    fc.property(
      fc.array(tree, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 97 }),
      (values, size) => {
        const stream = Buffer.from(values.map(applePlist).join("\0proc_pidpath 1460 failed(0)\n\0"));
        const read: unknown[] = [];
        const framer = createFramer({
          onFrame: (frame) => {
            const result = parsePlist(frame);
            read.push(result.ok ? plain(result.value) : result.error);
          },
        });
        for (let at = 0; at < stream.length; at += size) framer.push(stream.subarray(at, at + size));
        framer.end();
        assert.deepEqual(read, values);
      },
    ),
  );
});

for (const [machine, name] of Object.entries(powermetricsCaptures))
  test(`every document of the ${machine} capture is read as the plist package reads it`, withCaptures, () => {
    for (const document of documents(name))
      assert.deepEqual(read(document), JSON.parse(JSON.stringify(oracle(document.toString())), reviveDate));
  });

/** The package's objects have another prototype, so they go through JSON, which keeps all but dates. */
function reviveDate(_key: string, value: unknown): unknown {
  return typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value) : value;
}
