/** Fills a journal with the past of a simulated Mac, so that the charts of a young agent are full. */
import { extraArguments } from "../../src/collection.ts";
import { neededSamplers } from "../../src/collector/index.ts";
import { openJournal } from "../../src/journal/journal.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import { createOwnMeter } from "../../src/meter/own-meter.ts";
import { createSourcePipelines } from "../../src/meter/source-pipeline.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { samplersOf } from "../../src/simulator/arguments.ts";
import { configure } from "../../src/simulator/settings.ts";
import { simulate, type SimulatedTool } from "../../src/simulator/simulate.ts";
import { createFramer } from "../../src/source/frame.ts";
import { joinReports, runsOf } from "../../src/source/poll.ts";
import { allSettings } from "../support/samples.ts";

const minute = 60_000;
const day = 24 * 60 * minute;
const settings = {
  ...allSettings,
  tasks: { enabled: true, top: 10 },
  frequencyResidency: false,
  interrupts: false,
};
const polls = ["sysctl", "vm_stat", "pmset", "ioreg"] as const;

/** A day up to now: in windows of a minute, the last quarter of an hour in windows of one. @param preset as MAC_POWERMETRICS_SIMULATE has it */
export async function fillWithPast(path: string, preset: string): Promise<void> {
  using journal = openJournal({
    path,
    maxBytes: 256 * 2 ** 20,
    maxAgeMs: 2 * day,
    historyMs: 2 * day,
    minFreeBytes: 0,
    commitIntervalMs: minute,
    clock: systemClock,
    log: silentLogger,
    metricOf: (name) => catalogue.get(name),
  });
  const pipelines = createSourcePipelines({
    settings,
    own: createOwnMeter(0),
    log: silentLogger,
    publish: (snapshot) => void journal.append(snapshot),
  });
  const print = async (
    tool: SimulatedTool,
    argv: readonly string[],
    startMs: number,
    write: (text: string) => void,
  ) => {
    const taken = { write: (text: string) => Promise.resolve((write(text), true)) };
    const io = {
      stdout: taken,
      stderr: taken,
      clock: { ...systemClock, now: () => startMs },
      preset: `${preset} --no-pace`,
      signal: new AbortController().signal,
    };
    await simulate(tool, argv, io);
  };

  async function stretch(fromMs: number, toMs: number, windowMs: number): Promise<void> {
    for (let time = fromMs; time < toMs; time += minute)
      for (const source of polls) {
        const outputs: Buffer[] = [];
        for (const argv of runsOf(source, { battery: true, gpu: true })) {
          let printed = "";
          await print(source, argv, time, (text) => (printed += text));
          outputs.push(Buffer.from(printed));
        }
        pipelines[source].frame({ bytes: joinReports(outputs), receivedAt: time });
      }
    const framer = createFramer({
      onFrame: (bytes) => pipelines.powermetrics.frame({ bytes, receivedAt: 0 }),
    });
    const windows = Math.floor((toMs - fromMs) / windowMs);
    const argv = [
      "-f",
      "plist",
      "-a",
      "0",
      "-i",
      windowMs,
      "-n",
      windows,
      "-s",
      samplersFor(preset).join(","),
    ].map(String);
    const flags = [...extraArguments(settings), "--start", String(fromMs / 1000)];
    await print("powermetrics", [...argv, ...flags], fromMs, (text) => framer.push(Buffer.from(text)));
    framer.end();
    journal.commit();
  }

  const now = (): number => Math.floor(Date.now() / 1000) * 1000;
  let doneMs = now() - 15 * minute;
  await stretch(doneMs - day, doneMs, minute);
  // Until it has caught up with what passed meanwhile.
  for (let toMs = now(); toMs - doneMs > 2000; toMs = now()) {
    await stretch(doneMs, toMs, 1000);
    doneMs = toMs;
  }
}

function samplersFor(preset: string): readonly string[] {
  const configured = configure("powermetrics", [], preset);
  if ("problem" in configured) throw new Error(configured.problem);
  const { chip, os } = configured.settings.host;
  const known: readonly string[] = samplersOf(chip, os).all;
  return neededSamplers(settings).filter((name) => known.includes(name));
}
