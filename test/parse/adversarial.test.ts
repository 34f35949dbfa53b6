/** No line of a tool and no text of a configuration makes a pattern try again and again: a megabyte is read as fast as it is long. */
import assert from "node:assert/strict";
import test from "node:test";
import { interpolate } from "../../src/config/interpolate.ts";
import { parsePmset } from "../../src/parse/pmset.ts";
import { maskUrls } from "../../src/runtime/redact.ts";

const megabyte = 1_000_000;
const fill = (part: string): string => part.repeat(Math.ceil(megabyte / part.length)).slice(0, megabyte);

// Each took minutes to centuries with patterns that backtrack; the runner's limit is far above what these take.
const hostile = [
  " ",
  "a ",
  "a. ",
  "-a ",
  "(id=",
  "-a (id=",
  "9",
  "9 ",
  "/",
  "a 1 (",
  ";",
  "Warning: ",
  "\t-",
  "://",
  "http://",
  "@",
  "a://b@",
  "?a",
  "&token=",
  "?token=x&",
  "${A:-",
  "${A",
  "$",
];

test("a megabyte of anything is one line to pmset's reader", () => {
  for (const part of hostile)
    for (const text of [fill(part), ` a${fill(part)}!`, ` -InternalBattery-0 ${fill(part)}!`]) {
      const result = parsePmset(`Now drawing from 'AC Power'\n${text}\n`);
      assert.ok(result.ok, part);
    }
});

test("a megabyte of anything is masked in one pass, and loses nothing but credentials", () => {
  for (const part of hostile) {
    const text = fill(part);
    if (!/[@=]/.test(part)) assert.equal(maskUrls(text), text);
    else assert.ok(maskUrls(text).length > 0);
  }
});

test("references without an end are reported once, however many there are", () => {
  for (const part of ["${A:-", "${A", "${", "${A:-b$"]) {
    const result = interpolate(part.repeat(20_000), () => "x");
    assert.equal(result.ok, false);
  }
});
