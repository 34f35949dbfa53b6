/** `top` in a real terminal, and where there is none. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before, describe } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { servePage, type FixedPage } from "../../browser/fixed-page.ts";
import { disposableFolder } from "../../support/folder.ts";
import { laptopReadings, statusOf } from "../../support/status.ts";
import { openTestTerminal, tmuxMissing } from "./tmux.ts";

const cli = fileURLToPath(new URL("../../../src/cli.ts", import.meta.url));
const top = (...options: readonly string[]): readonly string[] => [process.execPath, cli, "top", ...options];
const run = promisify(execFile);

describe("top", () => {
  let served: FixedPage;
  before(async () => {
    served = await servePage(statusOf());
  });
  after(() => served[Symbol.asyncDispose]());

  test("without a terminal one plain frame is printed", async () => {
    const [program, ...argv] = top("--url", served.url);
    const { stdout } = await run(program ?? "", argv, { env: { ...process.env, COLUMNS: "100" } });
    assert.match(stdout, /^studio\.lan .*✓ All well\n/);
    assert.match(stdout, /CPU +1\.25 W/);
    assert.ok(!stdout.includes("\u001b"));
    for (const line of stdout.split("\n")) assert.ok(line.length <= 100);
  });

  test("an agent that does not answer is an error that names it", async () => {
    const [program, ...argv] = top("--url", "http://127.0.0.1:1/");
    const failure = await run(program ?? "", argv).then(
      () => assert.fail("must not succeed"),
      (error: unknown) => error as { readonly code: number; readonly stderr: string },
    );
    assert.equal(failure.code, 69);
    assert.equal(
      failure.stderr,
      "cannot show the agent: cannot connect to 127.0.0.1:1: connection refused\n",
    );
  });

  test("own sources do where no agent runs", async () => {
    const [program, ...argv] = top("--simulate");
    const { stdout } = await run(program ?? "", argv);
    assert.match(stdout, /SIMULATED/);
    assert.match(stdout, /Combined +[\d.]+ m?W/);
    assert.match(stdout, /✓ powermetrics/);
  });

  test(
    "it fills eighty by twenty-four, follows a resize, and q leaves the terminal as it was",
    { skip: tmuxMissing },
    async () => {
      await using terminal = await openTestTerminal(80, 24, top("--url", served.url));
      const small = await terminal.until((lines) => lines[23]?.startsWith("q quit") === true);
      assert.equal(small.length, 24);
      assert.match(small[0] ?? "", /^studio\.lan/);
      assert.ok(small.some((line) => line.includes("delivering")));
      await terminal.resize(200, 50);
      const large = await terminal.until((lines) => lines[49]?.startsWith("q quit") === true);
      assert.ok(large.some((line) => line.length > 150));
      assert.equal(large.filter((line) => line.startsWith("q quit")).length, 1);
      assert.ok(large.some((line) => line.includes("EVENTS")));
      await terminal.type("q");
      const left = await terminal.until((lines) => lines.some((line) => line.startsWith("isig")));
      const text = left.filter((line) => line !== "").join("\n");
      assert.match(text, /^BEFORE\nAFTER 0\nisig icanon iexten echo /);
      assert.ok(!text.includes("studio.lan"));
    },
  );

  test("a terminal of two hundred by fifty is filled from the start", { skip: tmuxMissing }, async () => {
    await using terminal = await openTestTerminal(200, 50, top("--url", served.url));
    const lines = await terminal.until((shown) => shown[49]?.startsWith("q quit") === true);
    assert.equal(lines.length, 50);
  });

  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const)
    test(`${signal} restores the terminal too`, { skip: tmuxMissing }, async () => {
      await using terminal = await openTestTerminal(80, 24, top("--url", served.url));
      await terminal.until((lines) => lines[23]?.startsWith("q quit") === true);
      process.kill(await terminal.pid(), signal);
      const left = await terminal.until((lines) => lines.some((line) => line.startsWith("isig")));
      assert.ok(left.includes("AFTER 0"));
      assert.ok(left.some((line) => line.startsWith("isig icanon iexten echo ")));
      assert.ok(!left.some((line) => line.includes("studio.lan")));
    });

  test("a crash restores the terminal, and says what it was", { skip: tmuxMissing }, async () => {
    using here = disposableFolder();
    const crash = join(here.path, "crash.mjs");
    await writeFile(crash, 'process.on("SIGUSR2", () => { throw new Error("a bug"); });\n');
    const [program = "", ...argv] = top("--url", served.url);
    await using terminal = await openTestTerminal(80, 24, [program, "--import", crash, ...argv]);
    await terminal.until((lines) => lines[23]?.startsWith("q quit") === true);
    process.kill(await terminal.pid(), "SIGUSR2");
    const left = await terminal.until((lines) => lines.some((line) => line.startsWith("isig")));
    for (const start of ["Error: a bug", "AFTER 1", "isig icanon iexten echo "])
      assert.ok(
        left.some((line) => line.startsWith(start)),
        start,
      );
  });

  test("keys change what is shown at once, and ctrl-C quits", { skip: tmuxMissing }, async () => {
    const cores = Array.from({ length: 32 }, (_, index) => ({ core: `cpu${index}`, activePercent: index }));
    await using many = await servePage(statusOf({ readings: { ...laptopReadings, cores } }));
    await using terminal = await openTestTerminal(120, 24, top("--url", many.url));
    const shows = async (keys: string, wanted: RegExp): Promise<void> => {
      await terminal.type(keys);
      await terminal.until((lines) => wanted.test(lines.join("\n")));
    };
    await shows("", /\nq quit {2}\? keys {2}jk 1–22 of \d+ {2}\+- 1 s {2}r 10 min {2}s energy now/);
    await shows("?", /KEYS\nq +quit\n/);
    await shows("x", /POWER/);
    await shows("+", /\+- 2 s/);
    await shows("r", /Chip .*mean, peak[^]*r 1 h/);
    await shows("s", /s CPU now/);
    await shows("\u001b[B", /^studio\.lan.*\nWhole machine[^]*jk 2–23 of/);
    await shows("G", /EVENTS\n.*listening\nq quit {2}\? keys {2}jk \d+–(\d+) of \1/);
    await shows("g", /jk 1–22 of/);
    await shows("\u0003", /^BEFORE\nAFTER 0\nisig icanon iexten echo /);
  });

  test("the last character of a full last line is there", { skip: tmuxMissing }, async () => {
    const { origin } = new URL(served.url);
    const { length: width } = `q quit  ? keys  jk 1–8 of 20  ${origin}`;
    await using terminal = await openTestTerminal(width, 10, top("--url", served.url));
    const lines = await terminal.until((shown) => shown[9]?.startsWith("q quit") === true);
    assert.match(lines[9] ?? "", /^q quit {2}\? keys {2}jk 1–8 of \d\d {2}http:\S+$/);
    assert.equal(lines[9]?.length, width);
  });

  test("NO_COLOR leaves no colour, and without it sixteen suffice", { skip: tmuxMissing }, async () => {
    const colours = async (environment: Readonly<Record<string, string>>): Promise<Set<string>> => {
      await using terminal = await openTestTerminal(80, 24, top("--url", served.url), environment);
      await terminal.until((lines) => lines[23]?.startsWith("q quit") === true);
      const text = (await terminal.screen(true)).join("\n");
      const sequences = text.split("\u001b[").slice(1);
      return new Set(sequences.map((sequence) => sequence.slice(0, sequence.indexOf("m"))));
    };
    const plain = await colours({ NO_COLOR: "1" });
    for (const code of plain) assert.match(code, /^(?:0;)?(?:|0|1|39|49)$/);
    const coloured = await colours({});
    assert.ok(coloured.has("32") || coloured.has("36"));
    for (const code of coloured) assert.doesNotMatch(code, /[34]8;/);
  });

  test("an agent that goes away is told without losing the last values", { skip: tmuxMissing }, async () => {
    const short = await servePage(statusOf());
    await using terminal = await openTestTerminal(100, 24, top("--url", short.url));
    await terminal.until((lines) => lines[23]?.startsWith("q quit") === true);
    await short[Symbol.asyncDispose]();
    const lines = await terminal.until((shown) => shown[23]?.includes("LOST") === true);
    assert.ok(lines.some((line) => line.includes("1.25 W")));
  });
});
