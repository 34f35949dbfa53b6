/** `replay`: recorded output through the whole pipeline, in the order and with the times of its documents. */
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { collectorSettings } from "../collection.ts";
import { createOwnMeter } from "../meter/own-meter.ts";
import { createSourcePipelines, type SourcePipelines } from "../meter/source-pipeline.ts";
import { endsUnmarked, type Snapshot } from "../meter/snapshot.ts";
import { causeOf } from "../runtime/cause.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { createLogger } from "../runtime/logger.ts";
import { replayFiles, type ReplayFiles } from "../source/replay.ts";
import { formatLine, formatSnapshots } from "./format.ts";
import { systemAuthorities } from "../sink-context.ts";
import { openPush } from "./push.ts";
import { prepare, type RunChoice } from "./load.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

export const replayFormats = ["prometheus", "openmetrics", "json", "jsonl"] as const;

export interface ReplayChoice extends RunChoice, ReplayFiles {
  readonly format: (typeof replayFormats)[number];
  /** A saved answer of an exporter. */
  readonly scrape?: string;
  /** Also deliver to every receiver, with the documents' own times. */
  readonly push?: boolean;
}

/** 0 when at least one sample came out. Prints the last snapshot of each source, or with `jsonl` every one. */
export async function replay(choice: ReplayChoice, context: CommandContext): Promise<ExitCode> {
  const { format, folder, powermetrics, vmStat, ioreg, scrape } = choice;
  const hasFile = [powermetrics, vmStat, ioreg, scrape].some((path) => path !== undefined);
  if ((folder !== undefined) === hasFile) {
    context.stderr(
      "replay must have a recording: give a FOLDER, or one or more of --powermetrics, --vm-stat, --ioreg and --scrape FILE\n",
    );
    return exitCode.usage;
  }
  const prepared = await prepare(choice, context);
  if (typeof prepared === "number") return prepared;
  const { configuration } = prepared;
  using log = createLogger(
    { level: "warn", format: configuration.log.format },
    { clock: context.clock, fd: 2, tty: context.standardErrorIsTerminal, env: context.env },
  );

  const opened =
    choice.push === true
      ? await openPush(prepared, context, log, systemAuthorities(context, log))
      : undefined;
  if (typeof opened === "number") return opened;
  await using push = opened;
  const last = new Map<string, Snapshot>();
  let fresh: Snapshot[] = [];
  function publish(snapshot: Snapshot): void {
    // Of samples with times of their own each snapshot has others.
    const key = endsUnmarked(snapshot.source) ? `${snapshot.source} ${snapshot.time}` : snapshot.source;
    last.set(key, snapshot);
    fresh.push(snapshot);
    push?.publish(snapshot);
  }
  const pipelines = createSourcePipelines({
    settings: collectorSettings(configuration.sources, false),
    own: createOwnMeter(context.clock.now()),
    log,
    publish,
  });

  async function onFrame(): Promise<void> {
    const published = fresh;
    fresh = [];
    if (format === "jsonl") await context.write(published.map(formatLine).join(""));
  }

  const failure =
    (await feed(choice, pipelines, { log, onFrame })) ?? (await feedScrape(scrape, context.clock, publish));
  await onFrame();
  if (failure !== undefined) {
    context.stderr(`${failure}\n`);
    return exitCode.failure;
  }
  if (format !== "jsonl") await context.write(formatSnapshots([...last.values()], format));
  if (last.size > 0) return (await push?.finish()) ?? exitCode.ok;
  context.stderr("unexpected recording: got no complete report, want at least one\n");
  return exitCode.failure;
}

/** The time of a saved scrape is that of its file. Says why the file is no exposition. */
async function feedScrape(
  path: string | undefined,
  clock: Clock,
  publish: (snapshot: Snapshot) => void,
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    const { scrapeRecorded } = await import("../scrape/recorded.ts");
    const time = Math.floor(statSync(path).mtimeMs);
    const { snapshots, failure } = await scrapeRecorded(readFileSync(path), basename(path), time, clock);
    if (failure !== undefined) return `cannot replay ${path}: ${failure.message}`;
    for (const snapshot of snapshots) publish(snapshot);
    return undefined;
  } catch (error) {
    return `cannot replay ${path}: ${causeOf(error)}`;
  }
}

/** Why the files could not be read; absent when they could. */
async function feed(
  files: ReplayFiles,
  pipelines: SourcePipelines,
  { log, onFrame }: { log: Logger; onFrame: () => Promise<void> },
): Promise<string | undefined> {
  try {
    await replayFiles(files, {
      async frame(frame) {
        pipelines[frame.source].frame(frame);
        await onFrame();
      },
      garbage: ({ bytes, lines }) => log.warn("left out text between documents", { bytes, first: lines[0] }),
      dropped: ({ reason, bytes }) => log.warn(`left out a ${reason} document`, { bytes }),
      lastTime: () => pipelines.powermetrics.lastTime,
    });
    return undefined;
  } catch (error) {
    const given = [files.folder, files.powermetrics, files.vmStat, files.ioreg].filter(
      (path) => path !== undefined,
    );
    return `cannot replay ${pathOf(error) ?? given.join(" and ")}: ${causeOf(error)}`;
  }
}

/** Of the one file that the system had something against. */
function pathOf(error: unknown): string | undefined {
  const path = error instanceof Error && "path" in error ? error.path : undefined;
  return typeof path === "string" ? path : undefined;
}
