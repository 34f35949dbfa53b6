/** The first half of the composition: the sources of a configuration and the pipeline they feed, for the daemon and for `once` alike. */
import type { CollectorSettings } from "./collector/collector.ts";
import { neededSamplers } from "./collector/index.ts";
import type { Configuration } from "./config/schema.ts";
import { createSourcePipelines, type SourcePipelines } from "./meter/source-pipeline.ts";
import type { OwnMeter } from "./meter/own-meter.ts";
import type { Snapshot } from "./meter/snapshot.ts";
import type { Clock } from "./runtime/clock.ts";
import type { Logger } from "./runtime/log.ts";
import type { Random } from "./runtime/random.ts";
import type { Heartbeat } from "./source/heartbeat.ts";
import { machineOf, type Machine } from "./source/host.ts";
import type { Buffering } from "./source/powermetrics.ts";
import { simulatedMachine } from "./simulator/machine.ts";
import { openSources, type SourceDeps } from "./source/open.ts";
import type { Source } from "./source/source.ts";
import type { SourceName } from "./parse/sample.ts";

export interface CollectionDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Whether the sources' commands are the simulator's. */
  readonly simulated: boolean;
  /** As `process.platform`. */
  readonly platform: string;
  /** What the tools' processes see of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** `never` under launchd: the agent gave up root, can't start powermetrics again, and leaves that to launchd. */
  readonly restart: "backoff" | "never";
  /** Of an agent that may give up root. */
  readonly privileges?: SourceDeps["privileges"];
  /** Of powermetrics, as earlier lives of the agent found it. */
  readonly buffering?: Buffering;
  readonly heartbeat: Heartbeat;
  readonly own: OwnMeter;
  readonly publish: (snapshot: Snapshot) => void;
}

export interface Collection {
  /** The enabled ones, not running yet. */
  readonly sources: readonly Source[];
  readonly pipelines: SourcePipelines;
}

/** Tasks are named by coalition (`--show-process-coalition`), and powermetrics estimates the energy of each (`--show-process-energy`). */
const taskArguments = ["--show-process-coalition", "--show-process-energy"];

export function createCollection({ sources: settings }: Configuration, deps: CollectionDeps): Collection {
  const switches = collectorSettings(settings, deps.simulated);
  const { samplers } = settings.powermetrics;
  return {
    pipelines: createSourcePipelines({
      ...deps,
      settings: switches,
      intervals: intervalsOf(settings),
      machine: measuredMachine(deps),
    }),
    sources: openSources(settings, {
      ...deps,
      samplers: samplers === "auto" ? neededSamplers(switches) : samplers,
      extraArguments: extraArguments(switches),
    }),
  };
}

/** What the machine itself says of its use, to check powermetrics by. */
function measuredMachine({ simulated, platform, clock, environment }: CollectionDeps): Machine | undefined {
  if (!simulated) return machineOf(platform, clock);
  return simulatedMachine(clock, environment["MAC_POWERMETRICS_SIMULATE"] ?? "");
}

/** What powermetrics is asked for besides samplers. */
export function extraArguments({ tasks }: CollectorSettings): readonly string[] {
  return tasks.enabled ? taskArguments : [];
}

/** The switches of the configuration as collectors see them. */
export function collectorSettings(settings: Configuration["sources"], simulated: boolean): CollectorSettings {
  const { tasks, frequency_residency, interrupts } = settings.powermetrics;
  return { tasks, frequencyResidency: frequency_residency, interrupts, simulated };
}

/** In milliseconds. */
export function intervalsOf(settings: Configuration["sources"]): Record<SourceName, number> {
  return {
    powermetrics: settings.powermetrics.interval,
    vm_stat: settings.vm_stat.interval,
    sysctl: settings.sysctl.interval,
    pmset: settings.pmset.interval,
    ioreg: settings.ioreg.interval,
  };
}
