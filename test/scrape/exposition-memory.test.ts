/** What did not change since the last scrape costs no new objects, and what did is another one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { read, reader } from "./read-exposition.ts";

test("series stay the same objects while nothing but numbers changes, and so does the array", () => {
  const by = reader();
  const body = (value: number): string =>
    `# HELP a x\n# TYPE a gauge\na{x="1"} ${value}\na{x="2"} ${value + 1}\n`;
  const first = read(body(1), "text", by);
  const second = read(body(1000), "text", by);
  assert.equal(second.series, first.series);
  assert.deepEqual([...second.values], [1000, 1001]);
});

test("series stay the same objects when lines come, go and move", () => {
  const by = reader();
  const first = read('# TYPE a gauge\na{x="1"} 1\na{x="2"} 2\na{x="3"} 3\n', "text", by).series;
  const second = read('# b\n# TYPE a gauge\na{x="0"} 0\na{x="3"} 3\n\na{x="1"} 1\n', "text", by).series;
  assert.deepEqual(second.slice(1), [first[2], first[0]]);
  assert.equal(second[1], first[2]);
  assert.equal(second[2], first[0]);
});

test("another help, type or start makes another series, for those that it is of", () => {
  const by = reader();
  const body = (help: string, start: number): string =>
    `# HELP a ${help}\n# TYPE a counter\na_total 1\na_created ${start}\n# TYPE b gauge\nb 1\n# EOF`;
  const first = read(body("x", 1), "openmetrics", by).series;
  const helped = read(body("y", 1), "openmetrics", by).series;
  assert.deepEqual(
    helped.map((series, index) => series === first[index]),
    [false, true],
  );
  assert.equal(helped[0]?.family.help, "y");
  const started = read(body("y", 2), "openmetrics", by).series;
  assert.deepEqual(
    started.map((series, index) => series === helped[index]),
    [false, true],
  );
  assert.equal(started[0]?.startMs, 2000);
  const without = read("# HELP a y\n# TYPE a counter\na_total 1\n# EOF", "openmetrics", by).series;
  assert.equal(without[0]?.startMs, undefined);
});

test("series stay the same objects over a scrape that could not be read", () => {
  const by = reader();
  const first = read("a 1\nb 2", "text", by);
  assert.equal(by.read(Buffer.from("a 1\nc 2\nb"), "text").ok, false);
  assert.equal(read("a 3\nb 4", "text", by).series, first.series);
});

test("the caller's buffer may change after a read", () => {
  const by = reader();
  const body = Buffer.from("aa 1\n");
  read(body, "text", by);
  body.fill("b", 0, 2);
  assert.equal(read(body, "text", by).series[0]?.name, "bb");
});

test("one format's lines are not taken for the other's", () => {
  const by = reader();
  const body = '# TYPE a counter\na_created{x="1" } 1\n# EOF';
  assert.equal(read(body, "text", by).series.length, 1);
  assert.equal(by.read(Buffer.from(body), "openmetrics").ok, false);
});

test("more lines than are remembered are read all the same", () => {
  const by = reader(2);
  const body = `${"# TYPE c gauge\n".repeat(50)}a 1\nb 2`;
  assert.equal(read(body, "text", by).series[1], read(body, "text", by).series[1]);
});
