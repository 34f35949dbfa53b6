/** `record DIR`: the raw streams of all sources into files, for bug reports and `replay`. */
import { createCollection } from "../collection.ts";
import { createOwnMeter } from "../meter/own-meter.ts";
import { createLogger } from "../runtime/log/logger.ts";
import { childEnvironment } from "../source/child.ts";
import { createHeartbeat } from "../source/heartbeat.ts";
import { openRecorder, type Recorder } from "../source/record.ts";
import type { Source, SourceListener } from "../source/source.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import { prepare, type RunChoice } from "./load.ts";
import { obstacle } from "./obstacle.ts";
import type { World } from "./world.ts";

export interface RecordChoice extends RunChoice {
  readonly folder: string;
  /** Milliseconds; absent records until a signal. */
  readonly durationMs?: number;
}

/** A day of one-second documents of a large machine with tasks is some 30 GB: nobody wants that by accident. */
const largestRecording = 1024 ** 3;

/** 0 when something was recorded; the files hold what the tools printed, byte for byte. */
export async function record(choice: RecordChoice, world: World): Promise<ExitCode> {
  const prepared = await prepare(choice, world);
  if (typeof prepared === "number") return prepared;
  const hindrance = await obstacle(prepared, world);
  if (hindrance !== undefined) {
    world.stderr(`${hindrance.message}\n`);
    return hindrance.code;
  }
  const opened = openRecorder(choice.folder, largestRecording);
  if (!opened.ok) {
    world.stderr(`${opened.message}\n`);
    return exitCode.failure;
  }
  using recorder = opened.recorder;
  using log = createLogger(
    { level: "warn", format: prepared.configuration.log.format },
    { clock: world.clock, fd: 2, tty: world.standardErrorIsTerminal, env: world.env },
  );
  const enough = new AbortController();
  const { sources } = createCollection(prepared.configuration, {
    ...world,
    log,
    simulated: prepared.simulated,
    environment: childEnvironment(world.env),
    restart: "backoff",
    heartbeat: createHeartbeat(world.clock),
    own: createOwnMeter(world.clock.now()),
    publish: () => undefined,
  });
  using _duration =
    choice.durationMs === undefined ? undefined : world.clock.after(choice.durationMs, () => enough.abort());
  const stop = AbortSignal.any([world.signal, enough.signal]);
  await Promise.all(
    sources.map((source) => source.run(recordingListener(source, { recorder, enough, world }), stop)),
  );
  world.stderr(`recorded ${recorder.frames} reports, ${recorder.bytes} bytes, into ${choice.folder}\n`);
  return recorder.frames > 0 ? exitCode.ok : exitCode.failure;
}

function recordingListener(
  { name }: Source,
  { recorder, enough, world }: { recorder: Recorder; enough: AbortController; world: World },
): SourceListener {
  return {
    frame(frame) {
      if (enough.signal.aborted) return;
      const recorded = recorder.write(name, frame);
      if (recorded.status === "written") return;
      world.stderr(
        recorded.status === "full"
          ? `the recording has reached ${largestRecording} bytes and ends\n`
          : `${recorded.message}\n`,
      );
      enough.abort();
    },
    up: () => undefined,
    started: () => undefined,
    failed: () => undefined,
    restarted: () => undefined,
    dropped: () => undefined,
  };
}
