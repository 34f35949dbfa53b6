import test from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import assert from "node:assert/strict";
import { loadConfiguration } from "../../src/config/load.ts";
import type { Configuration } from "../../src/config/schema.ts";
import { changesBetween, createReload, type Reload } from "../../src/daemon/reload.ts";
import { world } from "../config/world.ts";
import { recordingLogger, type LogLine } from "../support/log.ts";

interface Prepared {
  readonly configuration: Configuration;
}

function configured(text: string): Configuration {
  const loaded = loadConfiguration({ ...world({ "/work/a.yaml": text }), path: "/work/a.yaml" });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.configuration;
}

/** A file that a test edits. */
function file(text: string): {
  text: string;
  reload: Reload<Prepared>;
  applied: Configuration[];
  lines: readonly LogLine[];
} {
  const log = recordingLogger();
  const applied: Configuration[] = [];
  const here = { text, applied, lines: log.lines };
  const reload = createReload<Prepared>({
    first: { configuration: configured(text) },
    load: () => {
      if (here.text === "a bug") return Promise.reject(new Error(here.text));
      const problems = ["a.yaml:1:1: unknown key"];
      return Promise.resolve(
        here.text === "bad"
          ? { ok: false, problems }
          : { ok: true, next: { configuration: configured(here.text) } },
      );
    },
    log,
  });
  reload.onApply((next) => void applied.push(next));
  return Object.assign(here, { reload });
}

test("a bad file keeps the old configuration, is logged once and unsets the mark of success until a good one comes", async () => {
  const it = file("log: { level: info }");
  const { current } = it.reload;
  it.text = "bad";
  assert.equal(await it.reload.request(), "a.yaml:1:1: unknown key");
  assert.equal(it.reload.successful, false);
  assert.equal(it.reload.current, current);
  assert.deepEqual(it.applied, []);
  assert.deepEqual(
    it.lines.filter(({ level }) => level === "error").map(({ fields }) => fields),
    [{ problems: ["a.yaml:1:1: unknown key"] }],
  );
  it.text = "log: { level: debug }";
  assert.equal(await it.reload.request(), undefined);
  assert.equal(it.reload.successful, true);
});

test("sinks and the log level change while the agent runs", async () => {
  const it = file("remote_write: [{ url: 'http://a/' }]");
  it.text = "remote_write: [{ url: 'http://a/' }, { url: 'http://b/' }]\nlog: { level: debug }";
  await it.reload.request();
  assert.deepEqual(
    it.applied.map(({ remote_write, log }) => [remote_write.length, log.level]),
    [[2, "debug"]],
  );
  assert.equal(it.reload.restart.aborted, false);
});

for (const text of [
  "journal: { path: /other.db }",
  "sources: { vm_stat: { interval: 1s } }",
  "web: { page: false }",
  "run_as: nobody",
  "global: { job: other }",
  "log: { format: json }",
]) {
  test(`${text} starts the agent anew, with what was read`, async () => {
    const it = file("");
    it.text = text;
    await it.reload.request();
    assert.equal(it.reload.restart.aborted, true);
    assert.deepEqual(it.reload.current.configuration, configured(text));
  });
}

test("reloads run one after the other", async () => {
  const it = file("log: { level: info }");
  let inside = 0;
  it.reload.onApply(async () => {
    inside++;
    assert.equal(inside, 1);
    await Promise.resolve();
    inside--;
  });
  await Promise.all([it.reload.request(), it.reload.request(), it.reload.request()]);
  assert.equal(it.applied.length, 3);
});

test("who waits until nothing is read again waits for what is asked for meanwhile too, but not past a signal", async () => {
  const reads: ((text: string) => void)[] = [];
  const reload = createReload<Prepared>({
    first: { configuration: configured("log: { level: info }") },
    load: async () => {
      const text = await new Promise<string>((resolve) => reads.push(resolve));
      return { ok: true, next: { configuration: configured(text) } };
    },
    log: recordingLogger(),
  });
  const stop = new AbortController();
  await reload.untilIdle(stop.signal);
  void reload.request();
  const level = reload.untilIdle(stop.signal).then(() => reload.current.configuration.log.level);
  await nextTurn();
  void reload.request();
  reads[0]?.("log: { level: debug }");
  await nextTurn();
  reads[1]?.("log: { level: warn }");
  assert.equal(await level, "warn");
  void reload.request();
  const waiting = reload.untilIdle(stop.signal);
  stop.abort();
  await waiting;
});

test("changes are named by section and key", () => {
  const before = configured("");
  assert.deepEqual(changesBetween(before, configured("")), []);
  const after = configured(
    "run_as: nobody\njournal: { path: /x.db }\nlog: { file: /x.log }\notlp: [{ endpoint: 'http://a' }]",
  );
  assert.deepEqual(changesBetween(before, after).toSorted(), ["journal.path", "log.file", "otlp", "run_as"]);
});

test("what throws while a configuration is read or put in place is a reason, and no end of the agent", async () => {
  const it = file("log: { level: info }");
  it.text = "a bug";
  assert.equal(await it.reload.request(), "a bug");
  assert.equal(it.reload.successful, false);
  let fails = true;
  it.reload.onApply(() => {
    if (fails) throw new Error("a bug");
  });
  it.text = "log: { level: debug }";
  assert.equal(await it.reload.request(), "cannot put the new configuration in place: a bug");
  assert.equal(it.reload.successful, false);
  fails = false;
  assert.equal(await it.reload.request(), undefined);
  assert.equal(it.reload.successful, true);
});
