/** `once`: one sample of each source and one scrape of each target, printed. */
import { createCollection } from "../collection.ts";
import type { Configuration } from "../config/schema.ts";
import { createOwnMeter } from "../meter/own-meter.ts";
import type { Snapshot } from "../meter/snapshot.ts";
import type { SystemAuthorities } from "../runtime/http/trust.ts";
import type { Logger } from "../runtime/log.ts";
import { createLogger } from "../runtime/logger.ts";
import { printable } from "../runtime/printable.ts";
import { scrapeClients, systemAuthorities } from "../sink-context.ts";
import { childEnvironment } from "../source/child.ts";
import { createHeartbeat } from "../source/heartbeat.ts";
import type { Source, SourceListener } from "../source/source.ts";
import { formatSnapshots, type SnapshotFormat } from "./format.ts";
import { pushAll } from "./push.ts";
import { prepare, type Prepared, type RunChoice } from "./load.ts";
import { preflight } from "./preflight.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

export interface OnceChoice extends RunChoice {
  readonly format: SnapshotFormat;
  /** Also deliver to every receiver. */
  readonly push?: boolean;
}

/** Nobody waits ten seconds for one sample: a window of a second says enough. */
const longestWindowMs = 1000;
/** powermetrics needs a second to start, and a busy machine more. */
const longestWaitMs = 15_000;

/** 0 when every enabled source gave a sample and every target answered; what there is is printed in any case. */
export async function once(choice: OnceChoice, context: CommandContext): Promise<ExitCode> {
  const prepared = await prepare(choice, context);
  if (typeof prepared === "number") return prepared;
  const obstacle = await preflight(prepared, context);
  if (obstacle !== undefined) context.stderr(`${obstacle.message}\n`);
  const configuration = forOneSample(prepared.configuration, obstacle === undefined);
  using log = createLogger(
    { level: "warn", format: configuration.log.format },
    { clock: context.clock, fd: 2, tty: context.standardErrorIsTerminal, env: context.env },
  );

  const snapshots: Snapshot[] = [];
  const { sources, pipelines } = createCollection(configuration, {
    ...context,
    log,
    simulated: prepared.simulated,
    environment: childEnvironment(context.env),
    restart: "never",
    heartbeat: createHeartbeat(context.clock),
    own: createOwnMeter(context.clock.now()),
    publish: (snapshot) => void snapshots.push(snapshot),
  });
  const authorities = systemAuthorities(context, log);
  const [scraped] = await Promise.all([
    scrapeTargets({ ...prepared, configuration }, context, log, authorities),
    ...sources.map((source) => firstFrame(source, pipelines[source.name], context)),
  ]);
  const ofSources = snapshots.length;
  snapshots.push(...scraped.snapshots);

  await context.write(formatSnapshots(snapshots, choice.format));
  const pushed =
    choice.push === true
      ? await pushAll(snapshots, { ...prepared, configuration }, context, log, authorities)
      : exitCode.ok;
  if (obstacle !== undefined) return obstacle.code;
  if (pushed !== exitCode.ok) return pushed;
  return ofSources === sources.length && scraped.failed === 0 ? exitCode.ok : exitCode.failure;
}

/** One scrape of each target; why one failed is said on standard error. */
async function scrapeTargets(
  { configuration, proxies }: Pick<Prepared, "configuration" | "proxies">,
  context: CommandContext,
  log: Logger,
  authorities: SystemAuthorities,
): Promise<{ readonly snapshots: readonly Snapshot[]; readonly failed: number }> {
  const { scrape_configs: configs, global } = configuration;
  if (configs.length === 0) return { snapshots: [], failed: 0 };
  const { scrapeOnce } = await import("../scrape/scrapes.ts");
  const env = { ...context.env, ...proxies };
  const createClient = scrapeClients({ ...context, env }, log, authorities);
  const scrapeContext = { ...context, log, instance: global.instance, createClient };
  const all = await scrapeOnce(configs, global, scrapeContext, context.signal);
  const failures = all.flatMap(({ target, scraped: { failure } }) =>
    failure === undefined ? [] : [`cannot scrape ${printable(target.instance)}: ${failure.message}\n`],
  );
  for (const failure of failures) context.stderr(failure);
  return { snapshots: all.flatMap(({ scraped }) => scraped.snapshots), failed: failures.length };
}

function forOneSample(configuration: Configuration, withPowermetrics: boolean): Configuration {
  const { powermetrics } = configuration.sources;
  const interval = Math.min(powermetrics.interval, longestWindowMs);
  const enabled = powermetrics.enabled && withPowermetrics;
  return {
    ...configuration,
    sources: { ...configuration.sources, powermetrics: { ...powermetrics, interval, enabled } },
  };
}

/** Runs the source until its first frame or failure, or for the longest wait. */
async function firstFrame(source: Source, listener: SourceListener, context: CommandContext): Promise<void> {
  const enough = new AbortController();
  using _limit = context.clock.after(longestWaitMs, () => enough.abort());
  await source.run(
    {
      ...listener,
      frame(frame) {
        if (!enough.signal.aborted) listener.frame(frame);
        enough.abort();
      },
      failed(failure) {
        listener.failed(failure);
        enough.abort();
      },
    },
    AbortSignal.any([context.signal, enough.signal]),
  );
}
