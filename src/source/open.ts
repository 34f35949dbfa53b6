/** Makes the sources from their settings: one stream and four polls. */
import { createBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { Argv } from "./child.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { type IoregSubjects, type PolledName, createPoll, runsOf } from "./poll.ts";
import { type Buffering, createPowermetrics } from "./powermetrics.ts";
import type { Source } from "./source.ts";
import type { SourceName } from "../parse/sample.ts";
import { createToolShell, type ToolShellOptions } from "./tool-shell.ts";

/** The `sources` section of the configuration, as far as sources see it. */
export type SourceSettings = Readonly<Record<Exclude<SourceName, "ioreg">, OneSource>> & {
  readonly ioreg: OneSource & IoregSubjects;
};

interface OneSource {
  readonly enabled: boolean;
  readonly interval: number;
  readonly command: Argv;
}

export interface SourceDeps {
  /** What the enabled collectors need, or what the configuration asks for. */
  readonly samplers: readonly string[];
  /** Further options of powermetrics. */
  readonly extraArguments: readonly string[];
  readonly restart: "backoff" | "never";
  readonly buffering?: Buffering;
  readonly clock: Clock;
  readonly random: Random;
  readonly heartbeat: Heartbeat;
  readonly log: Logger;
  readonly environment: Readonly<Record<string, string>>;
  readonly privileges?: ToolShellOptions["privileges"];
}

/** Restarts of powermetrics: soon after a mishap, a minute apart when it keeps failing. */
const restartBackoff = { minMs: 1000, maxMs: 60_000 };

const polled: readonly PolledName[] = ["sysctl", "vm_stat", "pmset", "ioreg"];

/** The enabled sources; sysctl comes first, since counters start at the boot time that it reports. */
export function openSources(settings: SourceSettings, deps: SourceDeps): readonly Source[] {
  const shell = createToolShell(deps);
  const polls = polled.flatMap((name): readonly Source[] => {
    const { enabled, command, interval } = settings[name];
    const runs = runsOf(name, settings.ioreg);
    if (!enabled || runs.length === 0) return [];
    const log = deps.log.child({ source: name });
    const poll = createPoll({ ...deps, name, command, runs, intervalMs: interval, log, run: shell.run });
    // They all stop at once: whichever is first ends what they share.
    return [{ ...poll, run: (listener, signal) => poll.run(listener, signal).finally(() => shell.end()) }];
  });
  const { enabled, command, interval } = settings.powermetrics;
  if (!enabled) return polls;
  const stream = createPowermetrics({
    ...deps,
    command,
    intervalMs: interval,
    backoff: createBackoff(deps.random, restartBackoff),
    log: deps.log.child({ source: "powermetrics" }),
  });
  return [...polls, stream];
}
