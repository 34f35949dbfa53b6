/** Expositions, whole and damaged, are read as the plain reader of their grammars reads them, and series stay the same objects. */
import assert from "node:assert/strict";
import fc from "../support/property.ts";
import {
  type Exposition,
  type ExpositionFormat,
  type ScrapedSeries,
  createExpositionReader,
} from "../../src/scrape/exposition.ts";
import { readByGrammar } from "../scrape/exposition-grammar.ts";
import { fuzz } from "./fuzzing.ts";
import { damage } from "./mutation.ts";

/** Few of each, so that lines meet: the same series again, parts of one family, another family's. */
const metric = fc.constantFrom(
  "a",
  "a_total",
  "a_sum",
  "a_count",
  "a_bucket",
  "a_created",
  "a_info",
  "b",
  "b:c",
  "_",
);
const blanks = fc.constantFrom("", "", " ", "\t", "  ");
const text = fc.string({
  unit: fc.constantFrom(
    "x",
    "é",
    "日",
    "😀",
    "\ufffd",
    "\\\\",
    '\\"',
    "\\n",
    "\\t",
    "{",
    "}",
    ",",
    "=",
    "#",
    " ",
    "\0",
  ),
  maxLength: 4,
});
const figure = fc.oneof(
  fc.double().map((value) => String(value).replace("Infinity", "Inf")),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toExponential(3)),
  fc.tuple(fc.maxSafeInteger(), fc.nat(30)).map(([digits, exponent]) => `${digits}e-${exponent}`),
  fc.nat(100).map(String),
  fc.constantFrom(
    "1",
    "1.0",
    "0.5",
    ".5",
    "5.",
    "+1e+06",
    "-0",
    "1e-400",
    "inf",
    "-Infinity",
    "nan",
    "1048576",
  ),
);
const noFigure = fc.constantFrom("1e400", "+nan", "0x1p3", "1_0", ".", "e5", "1e", "1.2.3", "0b1", "");
const number = fc.oneof({ weight: 40, arbitrary: figure }, noFigure);
const bound = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("1", "1.0", "0.5", "+Inf", "1e6", "x") },
  number,
);
const label = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom("x", "y", "le", "quantile"), bound)
      .map(([name, value]) => `${name}="${value}"`),
  },
  fc
    .tuple(fc.constantFrom("x", "y", "z", '"l.l"', '"é"', '"\\""'), blanks, text)
    .map(([name, blank, value]) => `${name}${blank}=${blank}"${value}"`),
  fc.constantFrom('"q.q"', "x", "", 'x="1",', '__name__="a"', 'x=""', 'x="1\n2"'),
);
const labels = fc
  .tuple(
    fc.array(label, { maxLength: 3 }),
    fc.constantFrom(",", ",", ",", " ", ", ", ",,"),
    fc.constantFrom("", ",", " "),
    blanks,
  )
  .map(([pairs, comma, last, blank]) => `${blank}{${pairs.join(comma)}${last}}`);
const neat = fc
  .uniqueArray(fc.tuple(fc.constantFrom("x", "y", "le", "quantile"), bound), {
    selector: ([name]) => name,
    maxLength: 2,
  })
  .map((pairs) => {
    return pairs.length === 0 ? "" : `{${pairs.map(([name, value]) => `${name}="${value}"`).join(",")}}`;
  });
const end = fc.constantFrom(
  "",
  "",
  "",
  " 5",
  " 1520879607.789",
  ' # {id="é"} 4',
  " 7 # {} 1 2",
  " \t",
  " -5",
  " NaN",
  " # {x} 1",
  "\r",
);
const sample = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .tuple(metric, neat, number, fc.constantFrom("", "", " 5", " 6"))
      .map(([name, braces, value, time]) => `${name}${braces} ${value}${time}`),
  },
  fc
    .tuple(
      fc.oneof(metric, fc.constantFrom("", " a", "9a", "é")),
      fc.oneof(labels, neat),
      fc.constantFrom(" ", " ", "", "\t"),
      number,
      end,
    )
    .map((parts) => parts.join("")),
  fc
    .tuple(fc.constantFrom('"a"', '"q.é"', '""', '"a\\n"'), neat, number)
    .map(([name, braces, value]) => `{${name},${braces.slice(1, -1)}} ${value}`),
);
const family = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(metric, fc.constantFrom("counter", "histogram", "summary", "gauge"))
      .map(([name, type]) => `# TYPE ${name} ${type}`),
  },
  fc
    .tuple(metric, fc.constantFrom("untyped", "unknown", "info", "stateset", "gaugehistogram", "", "gauge "))
    .map(([name, type]) => `# TYPE ${name} ${type}`),
  fc.tuple(metric, text).map(([name, help]) => `# HELP ${name} ${help}`),
  fc.constantFrom(
    "# UNIT a_total total",
    "# UNIT a seconds",
    "# UNIT b ",
    '# TYPE "q.é" counter',
    "#",
    "# a comment",
    "#\tHELP\ta\t b",
    "# HELP b",
    "# HELP b-c d",
    "",
    "# EOF",
  ),
);
const lines = fc.array(fc.oneof({ weight: 3, arbitrary: sample }, family), { maxLength: 12 });

interface Input {
  readonly format: ExpositionFormat;
  readonly bodies: readonly Buffer[];
}

/** A target's answers one after another: the lines, some of them others each time. */
const answers: fc.Arbitrary<readonly string[]> = fc
  .tuple(
    lines,
    fc.array(fc.tuple(fc.nat(12), fc.nat(2), fc.array(fc.oneof(sample, family), { maxLength: 2 })), {
      maxLength: 3,
    }),
  )
  .map(([first, edits]) => {
    const all = [first];
    for (const [at, removed, added] of edits) all.push((all.at(-1) ?? []).toSpliced(at, removed, ...added));
    return all.map((one) => one.map((line) => `${line}\n`).join(""));
  });

const format = fc.constantFrom<ExpositionFormat>("text", "openmetrics");

function ending(format: ExpositionFormat): string {
  return format === "text" ? "" : "# EOF\n";
}

function check({ format, bodies }: Input, compared: () => void): void {
  const reader = createExpositionReader({ maxSeries: 1000 });
  let last: Exposition | undefined;
  for (const body of bodies) {
    const ours = reader.read(body, format);
    const theirs = readByGrammar(body, format);
    if (!ours.ok || !theirs.ok) {
      assert.deepEqual(
        ours.ok || ours.error.reason,
        theirs.ok || theirs.reason,
        ours.ok ? "" : ours.error.message,
      );
      continue;
    }
    compared();
    const { series, values, times = [], duplicates } = ours.value;
    const samples = series.map((one, index) => ({
      series: one,
      value: values[index],
      time: times[index] ?? NaN,
    }));
    assert.deepEqual(samples, theirs.samples);
    assert.equal(duplicates, theirs.duplicates);
    if (last !== undefined) assertSame(last.series, series);
    last = ours.value;
  }
}

/** What did not change is the same object, and so is the whole. */
function assertSame(before: readonly ScrapedSeries[], now: readonly ScrapedSeries[]): void {
  const known = new Map(before.map((series) => [JSON.stringify(series), series]));
  for (const series of now) assert.equal(known.get(JSON.stringify(series)) ?? series, series);
  const isAsBefore = before.length === now.length && before.every((series, index) => series === now[index]);
  if (isAsBefore) assert.equal(now, before);
}

fuzz("an exposition is read as its grammar says, and what did not change is the same object", {
  inputs: fc.tuple(format, answers).map(([format, texts]) => {
    return { format, bodies: texts.map((one) => Buffer.from(one + ending(format))) };
  }),
  costs: 0.1,
  compares: 1,
  prepare: (_, compared) => (input) => check(input, compared),
});

const tidy = [
  "# HELP a help \\n é",
  "# TYPE a histogram",
  'a_bucket{le="1",x="é\\n"} 3',
  'a_bucket{le="+Inf"} 3.5e+07',
  "a_sum 0.1",
  "a_count 3",
  "# TYPE b counter",
  'b_total{x="1"} 17 5',
  'b_created{x="1"} 1520872607.123',
  'b_total{x="2"} 1 # {id="é"} 4',
];
const tidyBody = { text: tidy.slice(0, 8), openmetrics: tidy };
const pieces = [
  "\n",
  " ",
  '"',
  "\\",
  "{",
  "}",
  ",",
  "# TYPE a counter\n",
  "# EOF\n",
  'x="1"',
  "a 1\n",
  "\r\n",
  "\0",
  "\xff",
  "1e5",
];

fuzz("a damaged exposition is read or refused as its grammar says", {
  inputs: fc.tuple(format, damage(pieces), damage(pieces)).map(([format, first, second]) => {
    const whole = Buffer.from(tidyBody[format].map((line) => `${line}\n`).join("") + ending(format));
    return { format, bodies: [whole, first(whole), whole, second(whole)] };
  }),
  costs: 0.1,
  compares: 1,
  prepare: (_, compared) => (input) => check(input, compared),
});

fuzz("bytes of no kind are read or refused as the grammars say", {
  inputs: fc.tuple(format, fc.uint8Array({ maxLength: 60 })).map(([format, bytes]) => {
    return { format, bodies: [Buffer.from(bytes)] };
  }),
  costs: 0.1,
  prepare: (_, compared) => (input) => check(input, compared),
});
