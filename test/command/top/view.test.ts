/** What each key of `top` changes. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  createKeyReader,
  firstView,
  keysLine,
  pressedInTurn,
  type View,
} from "../../../src/command/top/view.ts";

const extent = { lines: 50, room: 20 };

/** After these keys, which must not quit. */
function viewAfter(text: string, view: View = firstView): View {
  const next = pressedInTurn(view, createKeyReader()(text), extent);
  return next === "quit" ? assert.fail("must not quit") : next;
}

test("keys that come together are told apart, sequences whole", () => {
  const read = createKeyReader();
  assert.deepEqual(read("j\u001b[B\u001bOA\u001b[5~?\u001bq"), [
    "j",
    "\u001b[B",
    "\u001bOA",
    "\u001b[5~",
    "?",
    "\u001b",
    "q",
  ]);
  assert.deepEqual(read(""), []);
});

test("a sequence that comes in two pieces is one key", () => {
  for (const sequence of ["\u001b[B", "\u001bOB", "\u001b[1;5B", "\u001b[5~"])
    for (let at = 2; at < sequence.length; at++) {
      const read = createKeyReader();
      assert.deepEqual(
        [read(`j${sequence.slice(0, at)}`), read(`${sequence.slice(at)}k`)],
        [["j"], [sequence, "k"]],
      );
    }
  const read = createKeyReader();
  assert.deepEqual([read("\u001b["), read("\u0003")], [[], ["\u001b", "[", "\u0003"]]);
});

test("nothing within a sequence is a key of ours: an answer of the terminal, a keypad", () => {
  assert.deepEqual(
    viewAfter("\u001b[?1;2c\u001b[>0;276;0c\u001bOq\u001bOs\u001b[200~\u001b[<0;3;4M"),
    firstView,
  );
});

test("q, ctrl-C and ctrl-D quit, also while help is shown", () => {
  for (const key of ["q", "Q", "\u0003", "\u0004"])
    for (const help of [false, true])
      assert.equal(pressedInTurn({ ...firstView, help }, [key], extent), "quit");
});

test("of keys that come together those after q count no more", () => {
  assert.equal(pressedInTurn(firstView, ["j", "q", "j"], extent), "quit");
});

test("plus and minus go through the intervals and stop at their ends", () => {
  assert.equal(viewAfter("+").intervalMs, 2000);
  assert.equal(viewAfter("-").intervalMs, 500);
  assert.equal(viewAfter("+-").intervalMs, 1000);
  assert.equal(viewAfter("+".repeat(20)).intervalMs, 60_000);
  assert.equal(viewAfter("-".repeat(20)).intervalMs, 250);
});

test("r and s go round", () => {
  assert.deepEqual(
    ["", "r", "rr", "rrr"].map((keys) => viewAfter(keys).range),
    ["10m", "1h", "1d", "10m"],
  );
  assert.deepEqual(
    ["", "s", "ss", "sss", "ssss", "sssss"].map((keys) => viewAfter(keys).sort),
    ["now", "cpu", "hour", "day", "name", "now"],
  );
});

test("the list moves by lines, pages and to its ends, and no further", () => {
  assert.equal(viewAfter("jj\u001b[B\u001bOB").offset, 4);
  assert.equal(viewAfter("jjjk\u001b[A").offset, 1);
  assert.equal(viewAfter("k").offset, 0);
  assert.equal(viewAfter(" ").offset, 19);
  assert.equal(viewAfter("  \u001b[6~").offset, 30);
  assert.equal(viewAfter("Gb").offset, 11);
  assert.equal(viewAfter("Gj").offset, 30);
  assert.equal(viewAfter("G\u001b").offset, 0);
  assert.equal(pressedInTurn(firstView, ["G"], { lines: 10, room: 20 }) === "quit", false);
  assert.deepEqual(pressedInTurn(firstView, ["G"], { lines: 10, room: 20 }), firstView);
});

test("help is shown until the next key, which does nothing else", () => {
  assert.equal(viewAfter("?").help, true);
  assert.deepEqual(viewAfter("?+"), firstView);
  assert.deepEqual(viewAfter("x"), firstView);
});

test("where the list has become shorter, the place is its end, and the next key goes on from there", () => {
  const far = { ...firstView, offset: 45 };
  const next = pressedInTurn(far, ["k"], extent);
  assert.equal(next !== "quit" && next.offset, 29);
  const line = keysLine(far, { age: "", version: "", origin: "", hasApps: false }, extent, 200);
  assert.match(line.map(({ text }) => text).join(""), /jk 31–50 of 50/);
});
