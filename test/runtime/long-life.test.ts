/** What a process is told for a life of months is taken, by this Node.js and while it runs. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";
import { longLifeFlags, slabBytes } from "../../src/runtime/long-life.ts";

const module = JSON.stringify(new URL("../../src/runtime/long-life.ts", import.meta.url).href);

/** What a process of its own prints, since nothing of this can be taken back. */
function ran(script: string, ...flags: readonly string[]): string {
  return execFileSync(process.execPath, [...flags, "--input-type=module", "-e", script], {
    encoding: "utf8",
  });
}

test("a small buffer keeps no more than a small slab", () => {
  // The slab in use is cut to its end first.
  const last = "Array.from({ length: 200 }, () => Buffer.from('x'.repeat(1000))).at(-1).buffer.byteLength";
  const script = `(await import(${module})).settleForLongLife(); console.log(${last});`;
  const bytes = Number(ran(script));
  // Node.js 26 aligns the first buffer of a slab, in up to 64 bytes more.
  assert.ok(bytes >= slabBytes && bytes <= slabBytes + 64, `got ${bytes} bytes`);
});

test("V8 knows the flags, and heeds them from then on", () => {
  // V8 ends a process that is started with a flag it does not know.
  assert.equal(ran("console.log('started')", ...longLifeFlags), "started\n");
  const hot = `function hotLoop(n) { let sum = 0; for (let at = 0; at < n; at++) sum += at % 7; return sum; }
    for (let round = 0; round < 30_000; round++) hotLoop(100);`;
  const compilers = (before: string): string =>
    ran(`${before} ${hot}`, "--trace-opt", "--no-concurrent-recompilation")
      .split("\n")
      .filter((line) => line.includes("hotLoop"))
      .join("\n");
  assert.match(compilers(""), /TURBOFAN/);
  const settled = compilers(`(await import(${module})).settleForLongLife();`);
  assert.match(settled, /MAGLEV/);
  assert.doesNotMatch(settled, /TURBOFAN/);
});
