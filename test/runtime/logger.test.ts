import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import {
  createLogger,
  type LogSettings,
  type LogTarget,
  type OwnedLogger,
} from "../../src/runtime/logger.ts";
import { createKnownSecrets } from "../../src/runtime/redact.ts";
import { literalSecret } from "../../src/runtime/secret.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "./http/receivers.ts";

interface Written {
  readonly log: OwnedLogger;
  readonly file: string;
  readonly lines: () => string[];
}

function logged(
  t: TestContext,
  settings: Partial<LogSettings> = {},
  world: Partial<LogTarget> = {},
): Written {
  const file = join(temporaryFolder(t), "agent.log");
  const fd = openSync(file, "a");
  t.after(() => closeSync(fd));
  const log = createLogger(
    { level: "info", format: "json", ...settings },
    { clock: fakeClock(), fd, tty: false, env: {}, ...world },
  );
  return { log, file, lines: () => readFileSync(file, "utf8").split("\n").slice(0, -1) };
}

test("a JSON line has level, time, message and fields, and nothing else", (t) => {
  const { log, lines } = logged(t);
  log.child({ source: "vm_stat" }).warn("cannot read %s", { count: 3, absent: undefined });
  assert.deepEqual(
    lines().map((line) => JSON.parse(line) as unknown),
    [{ level: "warn", time: "2026-01-01T00:00:00.000Z", source: "vm_stat", count: 3, msg: "cannot read %s" }],
  );
});

test("levels below the threshold are silent, and the threshold can move for children too", (t) => {
  const { log, lines } = logged(t, { level: "warn" });
  const child = log.child({});
  child.info("one");
  log.setLevel("debug");
  child.debug("two");
  assert.equal(lines().length, 1);
});

test("text is one line whatever is in it", (t) => {
  const { log, lines } = logged(t, { format: "text" });
  log.error("bad\nthing \u001b[2J\u009b\u202e", {
    path: "/a b",
    line: 'x="1"\r\n',
    n: 1,
    deep: { a: ["\n"] },
    none: "",
  });
  assert.deepEqual(lines(), [
    String.raw`2026-01-01T00:00:00.000Z ERROR bad\nthing \u001b[2J\u009b\u202e path="/a b" line="x=\"1\"\r\n" n=1 deep={"a":["\n"]} none=""`,
  ]);
});

test("a terminal gets text with color unless NO_COLOR is set, a pipe gets JSON", (t) => {
  const color = logged(t, { format: "auto" }, { tty: true });
  color.log.info("hello");
  assert.equal((color.lines()[0] ?? "").slice("00:00:00 ".length), "\u001b[36mINFO \u001b[0m hello");
  const plain = logged(t, { format: "auto" }, { tty: true, env: { NO_COLOR: "1" } });
  plain.log.info("hello");
  assert.match(plain.lines()[0] ?? "", /^\d\d:\d\d:\d\d INFO {2}hello$/);
  const pipe = logged(t, { format: "auto" });
  pipe.log.info("hello");
  assert.match(pipe.lines()[0] ?? "", /^\{/);
});

test("an error shows its causes on one line, each once", (t) => {
  const { log, lines } = logged(t, { format: "text" });
  const deepest = new Error("disk on fire");
  const error = new Error("cannot open journal", {
    cause: new Error("cannot read page: disk on fire", { cause: deepest }),
  });
  log.warn("trouble", { error });
  log.warn("trouble", { error: new AggregateError([deepest], "all failed") });
  assert.match(lines()[0] ?? "", /error="cannot open journal: cannot read page: disk on fire"$/);
  assert.match(lines()[1] ?? "", /error="all failed: disk on fire"$/);
});

test("known secrets and passwords in URLs are masked wherever they stand, in both formats", (t) => {
  for (const format of ["json", "text"] as const) {
    const secrets = createKnownSecrets();
    const { log, lines } = logged(t, { format }, { secrets });
    const secret = literalSecret('hun"ter 2', secrets);
    log.info('sent hun"ter 2', {
      secret,
      nested: { value: 'a hun"ter 2' },
      error: new Error('no hun"ter 2'),
    });
    log.info("via http://me:pass@proxy:3128/", {
      url: new URL("https://token@host/"),
      form: "hun%22ter%202",
    });
    const text = lines().join("\n");
    assert.doesNotMatch(text, /hun|pass|token/);
    assert.match(text, /http:\/\/me:\*\*\*@proxy:3128/);
    assert.equal(lines().length, 2);
  }
});

test("fields that can't be printed or are too long cost only themselves", (t) => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  for (const format of ["json", "text"] as const) {
    const { log, lines } = logged(t, { format });
    log.info("x", { circular, big: 10n, long: "y".repeat(10_000), time: 1 });
    assert.match(lines()[0] ?? "", /10.*y… \(5904 more\).*time_/);
    assert.ok((lines()[0] ?? "").length < 5000);
  }
});

test("a rotated file is left behind at reopen, and one that can't be opened is reported in the old", (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "logs.json");
  const { log } = logged(t, { file });
  t.after(() => log[Symbol.dispose]());
  log.info("one");
  renameSync(file, `${file}.1`);
  log.info("two");
  log.reopen();
  log.info("three");
  assert.equal(readFileSync(`${file}.1`, "utf8").split("\n").length, 3);
  assert.match(readFileSync(file, "utf8"), /three/);
  renameSync(file, `${file}.2`);
  rmSync(`${file}.1`);
  renameSync(folder, `${folder}.moved`);
  log.reopen();
  renameSync(`${folder}.moved`, folder);
  assert.match(readFileSync(`${file}.2`, "utf8"), /cannot open .*logs\.json: no such file or directory/);
});

test("once disposed of it writes nothing, since its descriptor may be another file's by then", (t) => {
  const folder = temporaryFolder(t);
  const { log } = logged(t, { file: join(folder, "log") });
  log[Symbol.dispose]();
  const other = openSync(join(folder, "other"), "a");
  t.after(() => closeSync(other));
  log.info("late");
  log.reopen();
  log[Symbol.dispose]();
  log.info("later");
  assert.equal(readFileSync(join(folder, "other"), "utf8"), "");
  assert.equal(readFileSync(join(folder, "log"), "utf8"), "");
});

test("a file that can't be opened is an error of the configuration", (t) => {
  assert.throws(() => logged(t, { file: "/no/such/folder/x.log" }), {
    message: "cannot open /no/such/folder/x.log: no such file or directory",
  });
});

test("lines that can't be written are counted and reported when there is room again", (t) => {
  const file = join(temporaryFolder(t), "once.log");
  const closed = openSync(file, "a");
  const { log } = logged(t, {}, { fd: closed });
  closeSync(closed);
  log.info("lost");
  log.info("lost too");
  // The number of a closed descriptor is given to the next file that is opened.
  const again = openSync(file, "a");
  t.after(() => closeSync(again));
  assert.equal(again, closed);
  log.info("kept");
  const lines = readFileSync(file, "utf8").split("\n");
  assert.match(lines[0] ?? "", /"lines":2,"msg":"log lines were lost"/);
  assert.match(lines[1] ?? "", /kept/);
});

test("every line is out when the process ends right after it, through a pipe too", () => {
  const module = new URL("../../src/runtime/logger.ts", import.meta.url).href;
  const program = `
    const { createLogger } = await import(${JSON.stringify(module)});
    const log = createLogger({ level: "info", format: "json" }, { clock: { now: () => 0 }, fd: 2, tty: false, env: {} });
    for (let i = 0; i < 3000; i++) log.info("line", { i, pad: "x".repeat(100) });
    process.kill(process.pid, "SIGKILL");`;
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    maxBuffer: 10_000_000,
  });
  assert.equal(stderr.toString().trimEnd().split("\n").length, 3000);
});
