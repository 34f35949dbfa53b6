/** A simulated Mac in a soak: the tools on the test's clock, through the whole pipeline, with the agent's own metrics beside them. */
import type { CollectorSettings } from "../../src/collector/collector.ts";
import { neededSamplers } from "../../src/collector/index.ts";
import type { OwnMeter } from "../../src/meter/own-meter.ts";
import { createSourcePipelines } from "../../src/meter/source-pipeline.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { createFramer } from "../../src/source/frame.ts";
import { simulate, type SimulatorIo } from "../../src/simulator/simulate.ts";
import { ownIntervalMs } from "../../src/telemetry.ts";
import { withPrograms } from "./programs.ts";

const settings: CollectorSettings = {
  tasks: { enabled: true, top: 3 },
  frequencyResidency: false,
  interrupts: false,
  simulated: true,
};
const intervals = { powermetrics: 1000, vm_stat: 10_000, sysctl: 30_000, pmset: 60_000, ioreg: 60_000 };

export interface Machine {
  /** Documents of powermetrics so far. */
  readonly documents: number;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

interface MachineWorld {
  readonly clock: Clock;
  readonly own: OwnMeter;
  readonly publish: (snapshot: Snapshot) => void;
  /** The simulator's own, as `--fault sleep-gap@100`. */
  readonly flags?: readonly string[];
}

export function createMachine({ clock, own, publish, flags = [] }: MachineWorld): Machine {
  const pipelines = createSourcePipelines({ settings, intervals, own, log: silentLogger, publish });
  let documents = 0;

  function io(signal: AbortSignal, write: (text: string) => void): SimulatorIo {
    const quiet = { write: () => Promise.resolve(true) };
    const stdout = {
      write(text: string) {
        write(text);
        return Promise.resolve(true);
      },
    };
    return { clock, signal, stdout, stderr: quiet };
  }

  async function stream(signal: AbortSignal): Promise<void> {
    const framer = createFramer({
      onFrame(bytes) {
        documents++;
        pipelines.powermetrics.frame({ bytes, receivedAt: clock.now() });
      },
    });
    const samplers = neededSamplers(settings)
      .filter((name) => name !== "smc")
      .join(",");
    const argv = [
      "--format",
      "plist",
      "-i",
      String(intervals.powermetrics),
      "-s",
      samplers,
      "-a",
      "0",
      "--tasks",
      "5",
      ...flags,
    ];
    await simulate(
      "powermetrics",
      argv,
      io(signal, (text) => framer.push(Buffer.from(withPrograms(text, documents)))),
    );
  }

  async function poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let printed = "";
      await simulate(
        "vm_stat",
        [],
        io(signal, (text) => (printed += text)),
      );
      pipelines.vm_stat.frame({ bytes: Buffer.from(printed), receivedAt: clock.now() });
      await clock.sleep(intervals.vm_stat, signal);
    }
  }

  async function tellOwn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      publish(await own.snapshot(clock.now()));
      await clock.sleep(ownIntervalMs, signal);
    }
  }

  return {
    get documents() {
      return documents;
    },
    async run(signal) {
      await Promise.all([stream(signal), poll(signal), tellOwn(signal)]);
      for (const pipeline of Object.values(pipelines)) pipeline.end(clock.now());
    },
  };
}
