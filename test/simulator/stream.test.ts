/** The simulated stream keeps time, separates documents, ends when asked to, and goes wrong on request. */
import assert from "node:assert/strict";
import test from "node:test";
import { fakeClock } from "../support/fake-clock.ts";
import { coresOf, dictionary, list, number, parseDocument } from "./dictionary.ts";
import { documents, monday, run, start } from "./run-tool.ts";

const stream = ["-f", "plist", "-s", "cpu_power,gpu_power", "--chip", "m4"];

test("the first document comes after a full interval, and every window is a little longer than asked", async () => {
  const clock = fakeClock(monday);
  const tool = start("powermetrics", [...stream, "-i", "1000", "-n", "3"], { clock });
  await clock.advance(1000);
  assert.equal(tool.printed.stdout, "");
  await clock.advance(2200);
  const { code, stdout } = await tool.ended;
  assert.equal(code, 0);
  const elapsed = stdout.split("\0").map((text) => number(parseDocument(text)["elapsed_ns"]));
  assert.equal(elapsed.length, 3);
  for (const ns of elapsed) assert.ok(ns > 1e9 && ns < 1.04e9, `elapsed_ns is ${ns}`);
});

test("NUL stands before every document but the first, and the stream neither begins nor ends with one", async () => {
  const { stdout } = await run("powermetrics", [...stream, "-n", "4", "--no-pace"]);
  assert.equal(stdout.split("\0").length, 4);
  assert.ok(stdout.startsWith("<?xml") && stdout.endsWith("</plist>\n"));
  assert.equal(stdout.split("</plist>\n\0<?xml").length, 4);
});

test("timestamps are whole seconds of the window's end, so short windows share one", async () => {
  const texts = await documents(...stream, "-i", "100", "-n", "5");
  const stamps = texts.map((text) => /<date>(.*)<\/date>/.exec(text)?.[1]);
  assert.deepEqual(new Set(stamps), new Set(["2026-01-05T10:00:00Z"]));
});

test("the same seed and time print the same bytes, another seed others", async () => {
  const flags = ["-s", "all", "-n", "2", "--chip", "m4pro"];
  assert.deepEqual(await documents(...flags, "--seed", "7"), await documents(...flags, "--seed", "7"));
  assert.notDeepEqual(await documents(...flags, "--seed", "7"), await documents(...flags, "--seed", "8"));
});

test("every document names the same boot time", async () => {
  const texts = await documents(...stream, "-i", "600000", "-n", "20");
  assert.equal(new Set(texts.map((text) => parseDocument(text)["kern_boottime"])).size, 1);
});

test("deltas of consecutive windows follow each other: a long window counts what its parts count", async () => {
  const bytes = async (interval: number, count: number): Promise<number> => {
    const flags = ["-s", "disk", "-i", String(interval), "-n", String(count)];
    const writes = (await documents(...flags)).map(
      (text) => dictionary(parseDocument(text)["disk"])["wops_diff"],
    );
    return writes.map(number).reduce((sum, it) => sum + it, 0);
  };
  const [parts, whole] = [await bytes(1000, 60), await bytes(60_000, 1)];
  assert.ok(Math.abs(parts - whole) <= 0.1 * whole, `${parts} in parts, ${whole} as a whole`);
});

test("a stop signal ends an endless stream with success, between documents", async () => {
  const clock = fakeClock(monday);
  const stop = new AbortController();
  const tool = start("powermetrics", [...stream, "-i", "1000"], { clock, signal: stop.signal });
  await clock.advance(2200);
  stop.abort();
  const { code, stdout } = await tool.ended;
  assert.equal(code, 0);
  assert.ok(stdout.endsWith("</plist>\n"));
});

test("a reader that is gone ends the stream at the next document, without a word", async () => {
  const clock = fakeClock(monday);
  const tool = start("powermetrics", [...stream, "-i", "1000"], { clock });
  await clock.advance(1100);
  tool.closePipe();
  await clock.advance(1100);
  const { code, stderr } = await tool.ended;
  assert.equal(code, 141);
  assert.equal(stderr, "");
});

test("summaries are no windows: the lifetime sample comes first, the usage summary last", async () => {
  const flags = [...stream, "-n", "1", "-i", "1000", "--show-initial-usage", "--show-usage-summary"];
  const parsed = (await documents(...flags)).map(parseDocument);
  assert.deepEqual(
    parsed.map((it) => it["is_delta"]),
    [false, true, false],
  );
  assert.equal(parsed[0]?.["elapsed_ns"], 0);
});

test("fault stall: the tool prints no more, and lives until it is told to stop", async () => {
  const stop = new AbortController();
  const tool = start("powermetrics", [...stream, "--no-pace", "--fault", "stall@3"], { signal: stop.signal });
  const ended = tool.ended.then(() => true);
  while (tool.printed.stdout.split("\0").length < 2) await new Promise(setImmediate);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.equal(await Promise.race([ended, Promise.resolve(false)]), false);
  stop.abort();
  assert.equal((await tool.ended).stdout.split("\0").length, 2);
});

test("fault truncate: half a document, then the end", async () => {
  const { code, stdout } = await run("powermetrics", [...stream, "--no-pace", "--fault", "truncate@2"]);
  const [whole = "", half = "", ...more] = stdout.split("\0");
  assert.deepEqual([code, more.length], [1, 0]);
  assert.ok(!half.includes("</plist>") && half.length > whole.length / 3);
});

test("fault garbage: a line that is no output, before one document or before each", async () => {
  const once = await run("powermetrics", [...stream, "--no-pace", "-n", "3", "--fault", "garbage@2"]);
  assert.equal(once.stdout.split("proc_pidpath 1460 failed(0)\n").length, 2);
  assert.ok(once.stdout.includes("</plist>\nproc_pidpath 1460 failed(0)\n\0<?xml"));
  const each = await run("powermetrics", [...stream, "--no-pace", "-n", "3", "--fault", "garbage"]);
  assert.equal(each.stdout.split("proc_pidpath 1460 failed(0)\n").length, 4);
});

test("fault abort: the tool dies after a document as by SIGABRT", async () => {
  const { code, stdout } = await run("powermetrics", [...stream, "--no-pace", "--fault", "abort@2"]);
  assert.deepEqual([code, stdout.split("\0").length], [134, 2]);
});

for (const [fault, elapsedS] of [
  ["sleep-gap", 1],
  ["sleep-gap-spanned", 3601],
] as const) {
  test(`fault ${fault}: an hour passes on the wall clock, ${elapsedS} s within the window`, async () => {
    const texts = await documents(...stream, "-i", "1000", "-n", "3", "--fault", `${fault}@2`);
    const [first = {}, second = {}, third = {}] = texts.map(parseDocument);
    const seconds = (document: typeof first): number => {
      const stamp = document["timestamp"];
      assert.ok(stamp instanceof Date);
      return stamp.getTime() / 1000;
    };
    assert.ok(seconds(second) - seconds(first) >= 3600);
    assert.ok(seconds(third) - seconds(second) <= 2);
    assert.equal(Math.floor(number(second["elapsed_ns"]) / 1e9), elapsedS);
  });
}

test("fault zero-power: nothing is drawn while cores are busy", async () => {
  const texts = await documents(...stream, "-n", "2", "--fault", "zero-power@2");
  const [first = {}, second = {}] = texts.map(parseDocument);
  assert.ok(number(dictionary(first["processor"])["cpu_power"]) > 0);
  assert.equal(dictionary(second["processor"])["combined_power"], 0);
  assert.ok(coresOf(second).some((core) => number(core["idle_ratio"]) < 0.9));
});

test("fault busy-cores: every core claims to be fully active, and the last of each cluster has no figure", async () => {
  const texts = await documents(...stream, "--chip", "m2", "-n", "2", "--fault", "busy-cores");
  const [first = {}, second = {}] = texts.map(parseDocument);
  assert.ok(coresOf(first).some((core) => number(core["idle_ratio"]) > 0.5));
  assert.deepEqual(
    coresOf(second).map((core) => core["idle_ratio"]),
    [0, 0, 0, NaN, 0, 0, 0, NaN],
  );
});

test("fault parked-core: a core vanishes, or is switched off where the chip says so", async () => {
  const [before = {}, after = {}] = (await documents(...stream, "-n", "2", "--fault", "parked-core@2")).map(
    parseDocument,
  );
  assert.equal(coresOf(after).length, coresOf(before).length - 1);
  const texts = await documents(...stream, "--chip", "m4pro", "-n", "2", "--fault", "parked-core@2");
  const core = coresOf(parseDocument(texts[1] ?? "")).find((it) => it["cpu"] === 3);
  assert.deepEqual([core?.["down_ratio"], core?.["idle_ratio"], core?.["freq_hz"]], [1, 0, 0]);
});

test("fault huge: one document of 2 MB with hundreds of tasks", async () => {
  const [small = "", large = ""] = await documents(...stream, "-n", "2", "--fault", "huge@2");
  assert.ok(small.length < 100_000);
  assert.ok(large.length > 2_000_000, `the document has ${large.length} characters`);
  assert.ok(large.split("<key>pid</key>").length > 600);
});

test("fault unescaped: a task's name is printed with its markup as it is", async () => {
  const [good = ""] = await documents("-s", "tasks", "-n", "1");
  assert.ok(list(parseDocument(good)["tasks"]).some((task) => task["name"] === "Mail & Notes"));
  const [bad = ""] = await documents("-s", "tasks", "-n", "1", "--fault", "unescaped");
  assert.ok(bad.includes("<string>Mail & Notes</string>"));
});
