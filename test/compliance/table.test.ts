/** README.md says of every behaviour what the tests say, and no case of the suite is looked at twice. */
import assert from "node:assert/strict";
import test from "node:test";
import { readReadme, tables } from "./table.ts";

test("the tables of README.md are those of the behaviours: node test/compliance/table.ts writes them", () => {
  const { is, wanted } = readReadme();
  assert.equal(is, wanted);
});

test("each of the suite's 157 cases stands at one behaviour, and no behaviour is there twice", () => {
  const all = Object.values(tables).flat();
  const cases = all.flatMap(({ cases }) => cases);
  assert.deepEqual(cases.toSorted(), [...new Set(cases)].toSorted());
  assert.equal(cases.length, 157);
  const names = all.map(({ section, name }) => `${section}: ${name}`);
  assert.equal(new Set(names).size, names.length);
});
