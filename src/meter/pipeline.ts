/** The whole way of every stream: one intake a source, all with one boot time, publishing to one place. */
import type { CollectorSettings } from "../collector/collector.ts";
import type { Samples, SourceName } from "../parse/sample.ts";
import type { Logger } from "../runtime/log.ts";
import type { Machine } from "../source/host.ts";
import { bootTime, type BootTime } from "./boot-time.ts";
import { catalogue } from "./catalogue.ts";
import { createIntake, type Intake, type Read } from "./intake.ts";
import { createSourceMeter } from "./meter.ts";
import type { OwnMeter } from "./own-meter.ts";
import { createReaders } from "./read.ts";
import type { Snapshot } from "./snapshot.ts";

export interface PipelineOptions {
  readonly settings: CollectorSettings;
  /** Between two frames of a source, milliseconds; absent for a recording. */
  readonly intervals?: Readonly<Record<SourceName, number>>;
  /** The one that is measured, where it can be asked. */
  readonly machine?: Machine | undefined;
  readonly own: OwnMeter;
  readonly log: Logger;
  readonly publish: (snapshot: Snapshot) => void;
}

export interface Pipeline {
  readonly intakes: Readonly<Record<SourceName, Intake>>;
  readonly boot: BootTime;
}

export function createPipeline(options: PipelineOptions): Pipeline {
  const { settings, intervals, machine, own, log, publish } = options;
  const boot = bootTime();
  const readers = createReaders(settings, intervals?.powermetrics, machine);

  const intake = <S extends SourceName>(source: S, read: Read<Samples[S]>): Intake =>
    createIntake<S>({
      source,
      read,
      meter: createSourceMeter(source, settings, { catalogue, boot }),
      own,
      log: log.child({ source }),
      publish,
      ...(intervals !== undefined && { intervalMs: intervals[source] }),
      onSample: (sample) => boot.report("bootTimeMs" in sample ? sample.bootTimeMs : undefined),
    });

  return {
    boot,
    intakes: {
      powermetrics: intake("powermetrics", readers.powermetrics),
      vm_stat: intake("vm_stat", readers.vm_stat),
      sysctl: intake("sysctl", readers.sysctl),
      pmset: intake("pmset", readers.pmset),
    },
  };
}
