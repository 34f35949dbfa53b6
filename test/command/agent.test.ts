/** The agent in this process, without sources: what a reload changes, whenever it comes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { runAgent, type AgentDeps } from "../../src/agent.ts";
import type { Configuration } from "../../src/config/schema.ts";
import { noPrivileges } from "../../src/daemon/privileges.ts";
import { openJournal } from "../../src/journal/journal.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { accepted, worldOf } from "../config/world.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/folder.ts";

function agent(context: TestContext) {
  const clock = fakeClock();
  const path = join(temporaryFolder(context), "journal.db");
  const applies: ((next: Configuration) => Promise<void>)[] = [];
  const stop = new AbortController();
  const off = { enabled: false };
  const configured = (more: object): Configuration => {
    const sources = { powermetrics: off, vm_stat: off, sysctl: off, pmset: off, ioreg: off };
    const text = JSON.stringify({ journal: { path }, sources, web: off, ...more });
    return accepted(worldOf(text)).configuration;
  };
  const deps: AgentDeps = {
    clock,
    random: () => 0.5,
    log: silentLogger,
    simulated: true,
    platform: "linux",
    arch: "arm64",
    environment: {},
    restart: "never",
    privileges: noPrivileges,
    hostname: "mac-7",
    env: {},
    self: ["/usr/bin/false"],
    version: "0.0.0",
    nodeVersion: "v0",
    restarts: { next: () => 0, lineBuffered: false, remember: () => false },
    reload: {
      request: () => Promise.resolve(undefined),
      successful: true,
      onApply: (apply) => void applies.push(apply),
      restart: new AbortController().signal,
    },
    configurationText: () => "",
  };
  return {
    clock,
    configured,
    start: (configuration: Configuration) => runAgent(configuration, deps, stop.signal),
    /** As a reload does. */
    async reload(next: Configuration): Promise<void> {
      for (const apply of applies) await apply(next);
    },
    stop: () => stop.abort(),
    sinks(): readonly string[] {
      using journal = openJournal({
        path,
        maxBytes: 2 ** 26,
        maxAgeMs: 86_400_000,
        historyMs: 0,
        minFreeBytes: 0,
        commitIntervalMs: 10_000,
        clock,
        log: silentLogger,
        metricOf: () => undefined,
      });
      return journal.sinks().map(({ sink }) => sink);
    },
  };
}

/** A receiver where nobody listens. */
const receiver = (name: string): object => ({ name, url: `http://127.0.0.1:9/${name}` });

test("a reload that comes while the agent starts is applied after what it started with", async (context) => {
  const it = agent(context);
  const running = it.start(it.configured({ remote_write: [receiver("before")] }));
  const reloaded = it.reload(it.configured({ remote_write: [receiver("after")] }));
  await it.clock.advance(1000);
  await reloaded;
  it.stop();
  await it.clock.advance(5000);
  assert.deepEqual(await running, { status: "stopped" });
  assert.deepEqual(it.sinks(), ["remote_write/after"]);
});

test("a reload that comes after the end starts neither a sink nor a scrape", async (context) => {
  const it = agent(context);
  const running = it.start(it.configured({ remote_write: [receiver("before")] }));
  await it.clock.advance(1000);
  it.stop();
  await it.clock.advance(5000);
  await running;
  const { pending } = it.clock;
  const target = { job_name: "late", static_configs: [{ targets: ["127.0.0.1:9"] }] };
  await it.reload(it.configured({ remote_write: [receiver("late")], scrape_configs: [target] }));
  await it.clock.advance(0);
  assert.equal(it.clock.pending, pending);
  assert.deepEqual(it.sinks(), ["remote_write/before"]);
});
