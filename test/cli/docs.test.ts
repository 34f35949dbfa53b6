/** Documentation that is taken from the code does not drift from it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import test from "node:test";
import { withMetrics } from "../../scripts/docs.ts";

const script = fileURLToPath(new URL("../../scripts/docs.ts", import.meta.url));

test("the metrics of METRICS.md and the files of config/ are what npm run docs writes", () => {
  const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  assert.equal(stderr, "");
  assert.equal(status, 0);
});

test("only what stands between the marks is replaced, and nothing without them", () => {
  const written = withMetrics("above\n<!-- metrics:begin -->\noutdated\n<!-- metrics:end -->\nbelow\n");
  assert.match(written, /^above\n<!-- metrics:begin -->\n\n### On by default\n/);
  assert.match(written, /\n\n<!-- metrics:end -->\nbelow\n$/);
  assert.doesNotMatch(written, /outdated/);
  assert.equal(withMetrics(written), written);
  assert.throws(() => withMetrics("# no marks"), /the document must have/);
});
