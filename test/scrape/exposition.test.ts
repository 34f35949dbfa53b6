/** What an exporter answers is read as Prometheus reads it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../support/property.ts";
import type { Exposition } from "../../src/scrape/exposition.ts";
import { read } from "./read-exposition.ts";

/** One line a sample: family, type, series, value, time and start. */
function lines({ series, values, times }: Exposition): readonly string[] {
  return series.map(({ family, name, labels, startMs }, index) => {
    const pairs = labels.map(([label, value]) => `${label}=${JSON.stringify(value)}`);
    const time = times?.[index] ?? NaN;
    return [
      `${family.name} ${family.type} ${name}{${pairs.join(",")}} ${Object.is(values[index], -0) ? "-0" : String(values[index])}`,
      ...(Number.isNaN(time) ? [] : [`at ${time}`]),
      ...(startMs === undefined ? [] : [`since ${startMs}`]),
    ].join(" ");
  });
}

interface Case {
  readonly of: string;
  readonly body: string;
  readonly want: readonly string[];
}

const textCases: readonly Case[] = [
  { of: "nothing", body: "", want: [] },
  {
    of: "blank lines, comments and blanks around a line",
    body: "\n \t\n#\n# a comment\n#TYPE a gauge\n# TYPEa\n \ta\t 1 \t\n",
    want: ["a unknown a{} 1"],
  },
  { of: "no final line feed", body: "a 1\nb 2", want: ["a unknown a{} 1", "b unknown b{} 2"] },
  { of: "a comment as the last line without a line feed", body: "a 1\n# end", want: ["a unknown a{} 1"] },
  {
    of: "labels out of order, with a trailing comma",
    body: 'a{b="2",a="1",} 3',
    want: ['a unknown a{a="1",b="2"} 3'],
  },
  { of: "no labels in braces", body: "a{} 1\na{ } 2", want: ["a unknown a{} 1"] },
  {
    of: "blanks anywhere among labels, and no commas",
    body: 'a { b = "2" a = "1" , } 3',
    want: ['a unknown a{a="1",b="2"} 3'],
  },
  { of: "a value right behind the brace", body: 'a{b="2"}3', want: ['a unknown a{b="2"} 3'] },
  {
    of: "escapes, of which others are none",
    body: 'a{b="\\\\n\\n\\"\\t"} 1',
    want: ['a unknown a{b="\\\\n\\n\\"\\\\t"} 1'],
  },
  {
    of: "UTF-8, a NUL and a line feed in a value",
    body: 'a{b="é\0\n日"} 1',
    want: ['a unknown a{b="é\\u0000\\n日"} 1'],
  },
  { of: "a label of empty value", body: 'a{b="",c="1"} 1', want: ['a unknown a{c="1"} 1'] },
  {
    of: "names in quotes",
    body: '{"a.b",x="y"} 1\n{x="y","q\\"r"} 2\n{"l","l.l"="v"} 3',
    want: ['a.b unknown a.b{x="y"} 1', 'q"r unknown q"r{x="y"} 2', 'l unknown l{l.l="v"} 3'],
  },
  {
    of: "labels in the order of bytes",
    body: '{"m","\u{1f600}"="1","\uff5e"="2",z="3"} 1',
    want: ['m unknown m{z="3",\uff5e="2",\u{1f600}="1"} 1'],
  },
  {
    of: "numbers as Go spells them",
    body: 'a{i="1"} +Inf\na{i="2"} -inf\na{i="3"} nAn\na{i="4"} Infinity\na{i="5"} 1.5E+3\na{i="6"} -.5\na{i="7"} 5.\na{i="8"} 1e-400\na{i="9"} -0',
    want: ["Infinity", "-Infinity", "NaN", "Infinity", "1500", "-0.5", "5", "0", "-0"].map(
      (value, index) => `a unknown a{i="${index + 1}"} ${value}`,
    ),
  },
  {
    of: "times",
    body: "a 1 1520879607789\nb 2\t0 \nc 3",
    want: ["a unknown a{} 1 at 1520879607789", "b unknown b{} 2 at 0", "c unknown c{} 3"],
  },
  {
    of: "families",
    body: "# HELP a x\n# TYPE a counter\na 1\na_total 2\n# TYPE b_total counter\nb_total 1\n# TYPE c untyped\nc 1\n",
    want: ["a counter a{} 1", "a counter a_total{} 2", "b_total counter b_total{} 1", "c unknown c{} 1"],
  },
  {
    of: "a series that is not of the family above it, and one that is again",
    body: '# TYPE a gauge\na 1\nb 2\na{x="1"} 3',
    want: ["a gauge a{} 1", "b unknown b{} 2", 'a gauge a{x="1"} 3'],
  },
  {
    of: "histograms and summaries",
    body: '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="1048576"} 2\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 1\ns_count 1\ns_bucket 1',
    want: [
      'h histogram h_bucket{le="1.0"} 1',
      'h histogram h_bucket{le="1.048576e+06"} 2',
      'h histogram h_bucket{le="+Inf"} 2',
      "h histogram h_sum{} 3",
      "h histogram h_count{} 2",
      's summary s{quantile="0.5"} 1',
      "s summary s_sum{} 1",
      "s summary s_count{} 1",
      "s_bucket unknown s_bucket{} 1",
    ],
  },
  {
    of: "bounds that are no numbers, or not of a histogram",
    body: '# TYPE h histogram\nh_bucket{le="x"} 1\nh_bucket{le="5e-5"} 1\nh_bucket{le="-0"} 1\nh_bucket{quantile="1"} 1\n# TYPE g gauge\ng{le="1"} 1',
    want: [
      'h histogram h_bucket{le="x"} 1',
      'h histogram h_bucket{le="5e-05"} 1',
      'h histogram h_bucket{le="0.0"} 1',
      'h histogram h_bucket{quantile="1"} 1',
      'g gauge g{le="1"} 1',
    ],
  },
  {
    of: "`_created`, which is a sample here",
    body: "# TYPE a counter\na_total 1\na_created 5",
    want: ["a counter a_total{} 1", "a_created unknown a_created{} 5"],
  },
];

for (const { of, body, want } of textCases)
  test(`text: ${of}`, () => assert.deepEqual(lines(read(body)), want));

const openMetricsCases: readonly Case[] = [
  { of: "nothing", body: "# EOF", want: [] },
  { of: "a line feed behind the end", body: "a 1\n# EOF\n", want: ["a unknown a{} 1"] },
  { of: "a trailing comma", body: 'a{b="1",} 1\n# EOF', want: ['a unknown a{b="1"} 1'] },
  {
    of: "times in seconds, cut to milliseconds",
    body: "a 1 1520879607.789\nb 2 -1.5\nc 3 1e3\n# EOF",
    want: ["a unknown a{} 1 at 1520879607789", "b unknown b{} 2 at -1500", "c unknown c{} 3 at 1000000"],
  },
  {
    of: "exemplars",
    body: 'a 1 # {id="é",x="}"} 4\nb 2 7 # {} 4 123.123\n# EOF',
    want: ["a unknown a{} 1", "b unknown b{} 2 at 7000"],
  },
  {
    of: "all types",
    body:
      ["info", "stateset", "gaugehistogram", "unknown"]
        .map((type, index) => `# TYPE f${index} ${type}\nf${index} 1\nf${index}_info 1\nf${index}_gsum 1\n`)
        .join("") + "# EOF",
    want: [
      "f0 info f0{} 1",
      "f0 info f0_info{} 1",
      "f0_gsum unknown f0_gsum{} 1",
      "f1 stateset f1{} 1",
      "f1_info unknown f1_info{} 1",
      "f1_gsum unknown f1_gsum{} 1",
      "f2 gaugehistogram f2{} 1",
      "f2_info unknown f2_info{} 1",
      "f2 gaugehistogram f2_gsum{} 1",
      "f3 unknown f3{} 1",
      "f3_info unknown f3_info{} 1",
      "f3_gsum unknown f3_gsum{} 1",
    ],
  },
  {
    of: "starts before, between and behind what they date",
    body: '# TYPE a counter\na_created{x="1"} 1\na_total{x="1"} 5\na_total{x="2"} 6\na_created{x="2"} 2.5\na_total{x="3"} 7\n# EOF',
    want: [
      'a counter a_total{x="1"} 5 since 1000',
      'a counter a_total{x="2"} 6 since 2500',
      'a counter a_total{x="3"} 7',
    ],
  },
  {
    of: "starts of a histogram and a summary",
    body: '# TYPE h histogram\nh_bucket{le="1.0",x="1"} 1\nh_count{x="1"} 1\nh_created{x="1"} 9\n# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 1\ns_created 1520872607.123\n# EOF',
    want: [
      'h histogram h_bucket{le="1.0",x="1"} 1 since 9000',
      'h histogram h_count{x="1"} 1 since 9000',
      's summary s{quantile="0.5"} 1 since 1520872607123',
      "s summary s_sum{} 1 since 1520872607123",
    ],
  },
  {
    of: "a start of 0, and none",
    body: "# TYPE a counter\na_total 1\na_created 0\n# TYPE b counter\nb_total 1\nb_created NaN\n# EOF",
    want: ["a counter a_total{} 1", "b counter b_total{} 1"],
  },
  {
    of: "`_created` of a gauge, of another family and of none",
    body: "# TYPE a_created gauge\na_created 17\n# TYPE b counter\nc_created 1\n# EOF",
    want: ["a_created gauge a_created{} 17", "c_created unknown c_created{} 1"],
  },
];

for (const { of, body, want } of openMetricsCases)
  test(`openmetrics: ${of}`, () => assert.deepEqual(lines(read(body, "openmetrics")), want));

test("HELP and UNIT are the family's, with the escapes of their format", () => {
  const help = '# HELP a_s x \\\\ \\n \\" \\x\n# TYPE a_s gauge\n';
  assert.deepEqual(read(`${help}a_s 1`).series[0]?.family, {
    name: "a_s",
    type: "gauge",
    help: 'x \\ \n \\" \\x',
    unit: "",
  });
  const family = read(`${help}# UNIT a_s s\na_s 1\n# EOF`, "openmetrics").series[0]?.family;
  assert.deepEqual(family, { name: "a_s", type: "gauge", help: 'x \\ \n " \\x', unit: "s" });
  assert.equal(read("# HELP a \t \na 1").series[0]?.family.help, "");
  assert.equal(read("# HELP a  b \na 1").series[0]?.family.help, " b ");
  assert.equal(read('# HELP "a.b" c\n{"a.b"} 1').series[0]?.family.help, "c");
});

test("of a series that repeats, the first line of each time counts", () => {
  const { values, times, duplicates } = read(
    'a{x="1",y="2"} 1\na{y="2",x="1"} 2\na{x="1",y="2"} 3 5\na{x="1",y="2"} 4 5\na{x="1",y="2"} 5 6\na{x="1",y="2"} 6',
  );
  assert.deepEqual([...values], [1, 3, 5]);
  assert.deepEqual([...(times ?? [])], [NaN, 5, 6]);
  assert.equal(duplicates, 3);
});

test("without any time there are no times", () => {
  assert.equal(read("a 1\nb 2").times, undefined);
});

test("every number is what Number makes of it", () => {
  const digits = fc.string({
    unit: fc.constantFrom("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    maxLength: 18,
  });
  const spelled = fc
    .tuple(
      fc.constantFrom("", "-", "+"),
      digits,
      fc.constantFrom("", "."),
      digits,
      fc.option(fc.integer({ min: -330, max: 310 })),
    )
    .filter(([, whole, , fraction]) => whole + fraction !== "")
    .map(
      ([sign, whole, point, fraction, exponent]) =>
        `${sign}${whole}${point}${fraction}${exponent === null ? "" : `e${exponent}`}`,
    );
  const printed = fc.double({ noNaN: true, noDefaultInfinity: true }).map(String);
  const short = fc
    .tuple(fc.integer(), fc.nat(25))
    .map(([whole, places]) => (whole / 1000).toPrecision(1 + (places % 15)));
  fc.assert(
    fc.property(fc.oneof(spelled, printed, short), (text) => {
      const want = Number(text);
      fc.pre(Number.isFinite(want));
      assert.ok(Object.is(read(`a ${text}`).values[0], want), text);
    }),
    { numRuns: 2000 },
  );
});
