import assert from "node:assert/strict";
import test from "node:test";
import type { OwnMeter } from "../../src/meter/own-meter.ts";
import { createOwnMeter } from "../../src/meter/own-meter.ts";
import { createSourcePipelines, type SourcePipelines } from "../../src/meter/source-pipeline.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { defaultSettings } from "../support/samples.ts";
import { endedOf, valuesOf } from "../support/snapshots.ts";
import { recordingLogger, type RecordingLogger } from "../support/log.ts";

const at = Date.UTC(2026, 0, 1);
const intervals = { powermetrics: 1000, vm_stat: 10_000, sysctl: 30_000, pmset: 60_000, ioreg: 60_000 };

interface Rig {
  readonly pipelines: SourcePipelines;
  readonly published: Snapshot[];
  readonly log: RecordingLogger;
  readonly own: OwnMeter;
}

function rig(recorded = false): Rig {
  const published: Snapshot[] = [];
  const own = createOwnMeter(at);
  const log = recordingLogger();
  const pipelines = createSourcePipelines({
    settings: defaultSettings,
    ...(!recorded && { intervals }),
    own,
    log,
    publish: (snapshot) => void published.push(snapshot),
  });
  return { pipelines, published, log, own };
}

function document(
  time: number,
  body = "<key>thermal_pressure</key><string>Nominal</string>",
  elapsedMs = 1000,
): Buffer {
  const date = new Date(time).toISOString().replace(/\.\d+Z/, "Z");
  const text = `<plist><dict><key>is_delta</key><true/><key>elapsed_ns</key><integer>${elapsedMs * 1e6}</integer>
    <key>kern_boottime</key><integer>${at / 1000 - 100}</integer><key>timestamp</key><date>${date}</date>${body}</dict></plist>`;
  return Buffer.from(text);
}

const frame = (time: number, bytes: Buffer): { bytes: Buffer; receivedAt: number } => ({
  bytes,
  receivedAt: time,
});

test("a frame becomes a published snapshot with the document's time and the boot time", () => {
  const { pipelines, published } = rig();
  pipelines.powermetrics.frame(frame(at + 400, document(at)));
  const [snapshot] = published;
  assert.equal(snapshot?.time, at);
  assert.deepEqual(snapshot.starts, { agent: at - 1000, boot: at - 100_000 });
  assert.equal(pipelines.powermetrics.lastTime, at);
});

test("a boot time that powermetrics reported serves vm_stat's counters", () => {
  const { pipelines, published } = rig();
  pipelines.powermetrics.frame(frame(at, document(at)));
  const report = "Mach Virtual Memory Statistics: (page size of 4096 bytes)\nPageins: 7.\n";
  pipelines.vm_stat.frame(frame(at + 5, Buffer.from(report)));
  assert.equal(published[1]?.time, at + 5);
  assert.equal(published[1].starts.boot, at - 100_000);
});

test("pages beyond the memory that sysctl reported are withheld and counted, with and without it", async () => {
  const { pipelines, published, own } = rig();
  const report = (active: number): Buffer =>
    Buffer.from(`Mach Virtual Memory Statistics: (page size of 4096 bytes)\nPages active: ${active}.\n`);
  pipelines.vm_stat.frame(frame(at, report(2 ** 21)));
  pipelines.sysctl.frame(frame(at + 1, Buffer.from("hw.memsize: 4294967296\n")));
  pipelines.vm_stat.frame(frame(at + 2, report(2 ** 21)));
  pipelines.vm_stat.frame(frame(at + 3, report(2 ** 20)));
  assert.deepEqual(
    published.flatMap((one) =>
      one.source === "vm_stat" ? [valuesOf(one)["vmstat_pages_active_count"]] : [],
    ),
    [2 ** 21, undefined, 2 ** 20],
  );
  const field = 'mac_agent_source_implausible_values_total{field="pages_active",source="vm_stat"}';
  assert.equal(valuesOf(await own.snapshot(at))[field], 1);
});

/** A battery whose gauge was read at a time, and a GPU, as ioreg prints them. */
function registry(gaugeReadAt: number): Buffer {
  const battery = `<key>BatteryInstalled</key><true/><key>CycleCount</key><integer>5</integer><key>UpdateTime</key><integer>${gaugeReadAt / 1000}</integer>`;
  const gpu =
    "<key>PerformanceStatistics</key><dict><key>Device Utilization %</key><integer>7</integer></dict>";
  return Buffer.from(
    [battery, gpu].map((entry) => `<plist><array><dict>${entry}</dict></array></plist>`).join("\0"),
  );
}

test("a sample of ioreg is of the time its gauge was read, and of its own where that time is of an earlier life or does not move", () => {
  const { pipelines, published } = rig();
  for (const [readAt, receivedAt] of [
    [at, at + 40_000],
    [at, at + 100_000],
    [at + 60_000, at + 160_000],
    [at + 180_000, at + 220_000],
  ] as const)
    pipelines.ioreg.frame(frame(receivedAt, registry(readAt)));
  assert.deepEqual(
    published.map(({ time }) => time - at),
    [40_000, 100_000, 160_000, 180_000],
  );
});

test("what a gauge says that was not read for long is withheld and counted, and the GPUs stay", async () => {
  const { pipelines, published, own } = rig();
  pipelines.ioreg.frame(frame(at + 600_000, registry(at)));
  assert.deepEqual(published.map(valuesOf), [{ 'ioreg_gpu_utilization_percent{gpu="0",unit="device"}': 7 }]);
  assert.equal(published[0]?.time, at + 600_000);
  const field = 'mac_agent_source_implausible_values_total{field="battery_update_time",source="ioreg"}';
  assert.equal(valuesOf(await own.snapshot(at))[field], 1);
});

test("a recording of ioreg keeps the time of its gauge, however long ago", () => {
  const { pipelines, published } = rig(true);
  pipelines.ioreg.frame(frame(at + 1e9, registry(at)));
  assert.equal(published[0]?.time, at);
});

test("the chip and the version of macOS that sysctl reported stand on powermetrics_info", () => {
  const { pipelines, published } = rig();
  const names = "machdep.cpu.brand_string: Apple M4 Pro\nkern.osproductversion: 15.5\n";
  pipelines.sysctl.frame(frame(at, Buffer.from(names)));
  pipelines.powermetrics.frame(frame(at, document(at, "<key>hw_model</key><string>Mac16,8</string>")));
  const [, snapshot] = published;
  assert.ok(snapshot !== undefined);
  assert.equal(
    valuesOf(snapshot)['powermetrics_info{chip="Apple M4 Pro",hw_model="Mac16,8",os_version="15.5"}'],
    1,
  );
});

test("a bad frame is counted and logged, and costs nothing else", async () => {
  const { pipelines, published, log, own } = rig();
  pipelines.powermetrics.frame(frame(at, Buffer.from("<plist><dict><key>")));
  pipelines.vm_stat.frame(frame(at, Buffer.from("free active spec inactive")));
  pipelines.powermetrics.frame(frame(at, document(at)));
  assert.equal(published.length, 1);
  assert.match(log.texts[0] ?? "", /^warn cannot read a report of powermetrics: /);
  const values = valuesOf(await own.snapshot(at));
  assert.equal(values['mac_agent_source_parse_errors_total{kind="syntax",source="powermetrics"}'], 1);
  assert.equal(values['mac_agent_source_parse_errors_total{kind="content",source="vm_stat"}'], 1);
});

test("unknown keys and implausible values are counted each time and logged once", async () => {
  const { pipelines, log, own } = rig();
  const odd =
    "<key>novelty</key><integer>1</integer><key>battery</key><dict><key>percent_charge</key><integer>6325</integer></dict>";
  for (const second of [0, 1, 2]) pipelines.powermetrics.frame(frame(at, document(at + second * 1000, odd)));
  assert.equal(log.texts.length, 2);
  const values = valuesOf(await own.snapshot(at));
  assert.equal(values['mac_agent_source_unknown_keys_total{source="powermetrics"}'], 3);
  assert.equal(
    values['mac_agent_source_implausible_values_total{field="percent_charge",source="powermetrics"}'],
    3,
  );
});

test("a gap between two samples ends every series where it began", () => {
  const { pipelines, published } = rig();
  pipelines.powermetrics.frame(frame(at, document(at)));
  pipelines.powermetrics.frame(frame(at, document(at + 3_600_000)));
  assert.deepEqual(
    published.map(({ time, set }) => [time - at, set.series.length > 0]),
    [
      [0, true],
      [1, false],
      [3_600_000, true],
    ],
  );
  assert.equal(endedOf(published[1] ?? assert.fail()).length, published[0]?.set.series.length);
  assert.deepEqual(endedOf(published[2] ?? assert.fail()), []);
});

test("a window that covers the time since the last sample leaves no gap", () => {
  const { pipelines, published } = rig();
  pipelines.powermetrics.frame(frame(at, document(at)));
  pipelines.powermetrics.frame(frame(at, document(at + 3_600_000, undefined, 3_600_000)));
  assert.equal(published.length, 2);
});

test("a recording has no gaps of its own", () => {
  const { pipelines, published } = rig(true);
  pipelines.powermetrics.frame(frame(0, document(at)));
  pipelines.powermetrics.frame(frame(0, document(at + 3_600_000)));
  assert.equal(published.length, 2);
});

test("a source that falls silent ends once, after its limit", () => {
  const { pipelines, published } = rig();
  pipelines.powermetrics.frame(frame(at, document(at)));
  pipelines.powermetrics.checkSilence(at + 15_000);
  assert.equal(published.length, 1);
  pipelines.powermetrics.checkSilence(at + 15_001);
  pipelines.powermetrics.checkSilence(at + 20_000);
  assert.equal(published.length, 2);
  assert.equal(published[1]?.time, at + 1);
});

test("a lifetime sample and a summary behind windows are left out without an error", async () => {
  const { pipelines, published, own } = rig();
  const summary = Buffer.from(
    document(at + 1000)
      .toString()
      .replace("<true/>", "<false/>"),
  );
  pipelines.powermetrics.frame(frame(at, document(at)));
  pipelines.powermetrics.frame(frame(at, summary));
  assert.equal(published.length, 1);
  const values = valuesOf(await own.snapshot(at));
  assert.equal('mac_agent_source_parse_errors_total{kind="content",source="powermetrics"}' in values, false);
});

test("failures, restarts and dropped documents are counted by cause", async () => {
  const { pipelines, own } = rig();
  pipelines.powermetrics.failed({ reason: "stalled", message: "x" });
  pipelines.powermetrics.restarted("stalled");
  pipelines.powermetrics.dropped("truncated", 10);
  pipelines.powermetrics.up(true);
  assert.equal(pipelines.powermetrics.isUp, true);
  const values = valuesOf(await own.snapshot(at));
  assert.equal(values['mac_agent_source_failures_total{reason="stalled",source="powermetrics"}'], 1);
  assert.equal(values['mac_agent_source_restarts_total{reason="stalled",source="powermetrics"}'], 1);
  assert.equal(values['mac_agent_source_parse_errors_total{kind="truncated",source="powermetrics"}'], 1);
});
