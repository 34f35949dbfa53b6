/** Sets of sequence numbers behave as sets of integers do. */
import test from "node:test";
import assert from "node:assert/strict";
import fc from "../support/property.ts";
import { sizeOf, touches, union, within, without, type SeqSet } from "../../src/journal/ranges.ts";
import type { SeqRange } from "../../src/journal/types.ts";

const range = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(12))
  .map(([firstSeq, more]): SeqRange => ({ firstSeq, lastSeq: firstSeq + more }));
const set = fc.array(range, { maxLength: 6 }).map((ranges) => union(ranges, []));

const everything = Array.from({ length: 60 }, (_, seq) => seq);
const holds = (ranges: SeqSet, seq: number): boolean =>
  ranges.some(({ firstSeq, lastSeq }) => firstSeq <= seq && seq <= lastSeq);
const members = (ranges: SeqSet): readonly number[] => everything.filter((seq) => holds(ranges, seq));
const those = (rule: (seq: number) => boolean): readonly number[] => everything.filter(rule);

function assertTidy(ranges: SeqSet): void {
  for (const [index, one] of ranges.entries()) {
    assert.ok(one.firstSeq <= one.lastSeq);
    assert.ok(index === 0 || one.firstSeq > (ranges[index - 1]?.lastSeq ?? 0));
  }
}

test("union, intersection and difference are those of the members", () => {
  fc.assert(
    fc.property(set, set, range, (one, other, cut) => {
      assert.deepEqual(
        members(union(one, other)),
        those((seq) => holds(one, seq) || holds(other, seq)),
      );
      assert.deepEqual(
        members(within(one, cut)),
        those((seq) => holds(one, seq) && holds([cut], seq)),
      );
      assert.deepEqual(
        members(without(one, cut)),
        those((seq) => holds(one, seq) && !holds([cut], seq)),
      );
      for (const result of [union(one, other), within(one, cut), without(one, cut)]) assertTidy(result);
    }),
  );
});

test("size counts members, touching means sharing one", () => {
  fc.assert(
    fc.property(set, range, (one, cut) => {
      assert.equal(sizeOf(one), members(one).length);
      assert.equal(touches(one, cut), members(within(one, cut)).length > 0);
    }),
  );
});

test("acknowledging the middle of an open range leaves a backlog and the live end", () => {
  const all = [{ firstSeq: 40, lastSeq: Number.MAX_SAFE_INTEGER }];
  assert.deepEqual(without(all, { firstSeq: 90, lastSeq: 96 }), [
    { firstSeq: 40, lastSeq: 89 },
    { firstSeq: 97, lastSeq: Number.MAX_SAFE_INTEGER },
  ]);
});
