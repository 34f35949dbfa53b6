/** What Prometheus does not read is refused, with line and column, what was there and what is wanted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { read, reader, refused } from "./read-exposition.ts";

const textErrors: readonly (readonly [body: string, want: string])[] = [
  [
    "a",
    "syntax: unexpected series at line 1, column 2: got the end of the body, want a blank behind a metric name",
  ],
  ["a+1", 'syntax: unexpected series at line 1, column 2: got "+1", want a blank behind a metric name'],
  ["a 1\n9 2", 'syntax: unexpected line at line 2, column 1: got "9 2", want a series or #'],
  ["a.b 1", 'syntax: unexpected series at line 1, column 2: got ".b 1", want a blank behind a metric name'],
  ["a{b='c'} 1", 'syntax: unexpected label value at line 1, column 5: got "\'c\'} 1", want a value in "'],
  [
    "a{b=\n",
    'syntax: unexpected label value at line 1, column 5: got the end of the line, want a value in "',
  ],
  [
    'a{,b="c"} 1',
    'syntax: unexpected label name at line 1, column 3: got ",b="c"} 1", want a label name or }',
  ],
  ['a{="c"} 1', 'syntax: unexpected label name at line 1, column 3: got "="c"} 1", want a label name or }'],
  ['a{b="c', 'syntax: unexpected quoted text at line 1, column 5: got ""c", want a closing "'],
  ['a{b="c\\\n"} 1', 'syntax: unexpected quoted text at line 1, column 5: got ""c\\", want a closing "'],
  [
    'a{b="1",b="2"} 1',
    'syntax: unexpected label name at line 1, column 9: got "b="2"} 1", want each label once',
  ],
  ['a{"b"} 1', 'syntax: unexpected metric name at line 1, column 3: got ""b"} 1", want one metric name only'],
  [
    '{b="c"} 1',
    'syntax: unexpected labels at line 1, column 1: got "{b="c"} 1", want a metric name before or in the braces',
  ],
  ['{""} 1', 'syntax: unexpected metric name at line 1, column 3: got ""} 1", want a name that is not empty'],
  [
    'a{__name__="b"} 1',
    'syntax: unexpected label name at line 1, column 3: got "__name__="b"} 1", want a name that is not empty, and not __name__',
  ],
  ["a true", 'syntax: unexpected value at line 1, column 3: got "true", want a number'],
  ["a 1_000", 'syntax: unexpected value at line 1, column 3: got "1_000", want a number'],
  ["a 0x1p-3", 'syntax: unexpected value at line 1, column 3: got "0x1p-3", want a number'],
  ["a 1e400", 'syntax: unexpected value at line 1, column 3: got "1e400", want a number'],
  ["a 1\r\nb 2\r\n", 'syntax: unexpected value at line 1, column 3: got "1\\u000d", want a number'],
  [
    "a 1 -5",
    'syntax: unexpected time at line 1, column 5: got "-5", want whole milliseconds or the end of the line',
  ],
  [
    "a 1 9007199254740993",
    'syntax: unexpected time at line 1, column 5: got "9007199254740993", want less than 2^53 ms',
  ],
  ["a 1 5 6", 'syntax: unexpected sample at line 1, column 7: got "6", want the end of the line'],
  [
    "# TYPE a gauge ",
    'syntax: unexpected type at line 1, column 10: got "gauge ", want one of counter, gauge, histogram, summary, untyped',
  ],
  ["# TYPE #", 'syntax: unexpected metric name at line 1, column 8: got "#", want a metric name'],
  [
    `a ${"é\u001b".repeat(99)}`,
    `syntax: unexpected value at line 1, column 3: got "${"é\\u001b".repeat(8)}é\\u0", want a number`,
  ],
];

for (const [body, want] of textErrors)
  test(`text: ${JSON.stringify(body.slice(0, 40))} is refused`, () => assert.equal(refused(body), want));

const openMetricsErrors: readonly (readonly [body: string, want: string])[] = [
  ["", "syntax: unexpected end at line 1, column 1: got the end of the body, want # EOF"],
  ["a 1\n", "syntax: unexpected end at line 2, column 1: got the end of the body, want # EOF"],
  ["a 1", "syntax: unexpected end at line 1, column 4: got the end of the body, want # EOF"],
  [
    "# EOF\n\n",
    "syntax: unexpected line at line 2, column 1: got the end of the line, want nothing behind # EOF",
  ],
  ["# EOFa", 'syntax: unexpected line at line 1, column 6: got "a", want nothing behind # EOF'],
  ["\n# EOF", "syntax: unexpected line at line 1, column 1: got the end of the line, want a series or #"],
  [" a 1\n# EOF", 'syntax: unexpected line at line 1, column 1: got " a 1", want a series or #'],
  [
    "# a comment\n# EOF",
    'syntax: unexpected comment at line 1, column 1: got "# a comment", want # TYPE, # HELP, # UNIT or # EOF',
  ],
  [
    "#  TYPE a gauge\n# EOF",
    'syntax: unexpected comment at line 1, column 1: got "#  TYPE a gauge", want # TYPE, # HELP, # UNIT or # EOF',
  ],
  [
    "# TYPE a untyped\n# EOF",
    'syntax: unexpected type at line 1, column 10: got "untyped", want one of counter, gauge, histogram, summary, gaugehistogram, info, stateset, unknown',
  ],
  [
    "# HELP a\n# EOF",
    "syntax: unexpected metric name at line 1, column 9: got the end of the line, want one space",
  ],
  [
    "# UNIT a seconds\n# EOF",
    'syntax: unexpected unit at line 1, column 10: got "seconds", want the end of the metric name, behind _',
  ],
  [
    'a{b="1", c="2"} 1\n# EOF',
    'syntax: unexpected label name at line 1, column 9: got " c="2"} 1", want a label name or }',
  ],
  [
    'a{b="1"c="2"} 1\n# EOF',
    'syntax: unexpected label at line 1, column 8: got "c="2"} 1", want a comma or }',
  ],
  ['a{b="1\n"} 1\n# EOF', 'syntax: unexpected quoted text at line 1, column 5: got ""1", want a closing "'],
  ["a  1\n# EOF", 'syntax: unexpected value at line 1, column 3: got " 1", want a number'],
  ["a\t1\n# EOF", 'syntax: unexpected series at line 1, column 2: got "\\u00091", want one space'],
  ["a 1 \n# EOF", "syntax: unexpected time at line 1, column 5: got the end of the line, want a number"],
  ["a 1 NaN\n# EOF", 'syntax: unexpected time at line 1, column 5: got "NaN", want a number of seconds'],
  ["a 1 2 3\n# EOF", 'syntax: unexpected sample at line 1, column 6: got " 3", want the end of the line'],
  ["a 1 # {b}\n# EOF", 'syntax: unexpected label at line 1, column 9: got "}", want = behind a label name'],
  [
    'a 1 # {b="c"}\n# EOF',
    "syntax: unexpected exemplar at line 1, column 14: got the end of the line, want one space",
  ],
  [
    'a 1 # {b="c"} x\n# EOF',
    'syntax: unexpected exemplar value at line 1, column 15: got "x", want a number',
  ],
];

for (const [body, want] of openMetricsErrors)
  test(`openmetrics: ${JSON.stringify(body)} is refused`, () =>
    assert.equal(refused(body, "openmetrics"), want));

test("bytes that are not UTF-8 are refused where they are", () => {
  const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
  assert.match(
    refused(latin1('b 1\na{b="\xc3\xa9\xff"} 1')),
    /^utf8: unexpected series at line 2, column 7: got "�"} 1", want UTF-8$/,
  );
  assert.match(refused(latin1('{"\xff"} 1')), /^utf8: .* column 3:/);
  assert.match(refused(latin1("# HELP a b\xef\xbf\xbd\xed\xa0\x80")), /^utf8: .* column 12:/);
  assert.match(refused(latin1('a 1 # {b="\xff"} 1\n# EOF'), "openmetrics"), /^utf8: /);
  assert.equal(read(latin1("# a comment \xff\na 1")).series.length, 1);
});

test("more series than the limit are refused at the first that is too many", () => {
  const body = (count: number): Buffer =>
    Buffer.from(Array.from({ length: count }, (_, index) => `a{i="${index}"} 1\n`).join("") + "x");
  const result = reader(10).read(body(11), "text");
  assert.deepEqual(result, {
    ok: false,
    error: {
      reason: "series_limit",
      message: "exposition must have at most 10 series, got another at line 11",
    },
  });
  assert.equal(read("a 1\na 2\nb 1\n", "text", reader(2)).duplicates, 1);
  const starts = `# TYPE a counter\n${Array.from({ length: 11 }, (_, index) => `a_created{i="${index}"} 1\n`).join("")}# EOF`;
  assert.equal(reader(10).read(Buffer.from(starts), "openmetrics").ok, false);
});

test("hostile bodies are read or refused in time in proportion to their length", () => {
  const long = 2_000_000;
  const bodies = [
    `a{b="${"x".repeat(long)}`,
    `a{b="${"\\".repeat(long)}`,
    `a ${"1".repeat(long)}x`,
    `a ${"1".repeat(long)}`,
    `a{${'b="1",'.repeat(long / 6)}} 1`,
    `a{${Array.from({ length: long / 20 }, (_, index) => `b${long - index}="1"`).join(",")}} 1`,
    "a 1\n".repeat(long / 4),
    'a{x="1" ,} 1\n'.repeat(long / 12),
    "# TYPE a gauge\n".repeat(long / 15),
    "\n".repeat(long),
    `a{${" ".repeat(long)}`,
    Array.from({ length: long / 20 }, (_, index) => `a 1 ${index}`).join("\n"),
  ].map((body) => Buffer.from(body));
  const by = reader(1_000_000);
  // CPU of this process, whatever else the machine does: some 2 s, where work by the square of the length would take hours.
  const before = process.cpuUsage();
  for (const body of bodies) for (let round = 0; round < 2; round++) by.read(body, "text");
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 60e6, `took ${Math.round((user + system) / 1e6)} s of CPU`);
});
