/** `--push` of `once` and `replay`: snapshots through a journal of their own to every receiver, and a line on each. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDeliveries, type Deliveries } from "../delivery/deliveries.ts";
import type { DeliveryReport } from "../delivery/types.ts";
import { openJournal } from "../journal/journal.ts";
import { catalogue } from "../meter/catalogue.ts";
import type { Snapshot } from "../meter/snapshot.ts";
import type { SystemAuthorities } from "../runtime/http/trust.ts";
import type { Logger } from "../runtime/log.ts";
import { receiversOf, type Receiver, type SinkContext } from "../sink/index.ts";
import { sinkContextOf } from "../sink-context.ts";
import { childEnvironment } from "../source/child.ts";
import type { Prepared } from "./load.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

export interface Push extends AsyncDisposable {
  publish(snapshot: Snapshot): void;
  /** Resolves when all is delivered, or when a receiver failed for too long; reports each on standard error. */
  finish(): Promise<ExitCode>;
}

/** A receiver that has not taken anything for this long is given up. */
const longestWaitMs = 30_000;
const lookEveryMs = 100;
const gigabyte = 1024 ** 3;

/** A usage error when the configuration names no receiver. */
export async function openPush(
  { configuration, proxies }: Pick<Prepared, "configuration" | "proxies">,
  context: CommandContext,
  log: Logger,
  authorities: SystemAuthorities,
): Promise<Push | ExitCode> {
  const receivers = receiversOf(configuration);
  if (receivers.length === 0) {
    context.stderr(
      "cannot push: the configuration names no remote_write, otlp or pushgateway; give one with --config\n",
    );
    return exitCode.usage;
  }
  const { journal, remove } = openTemporaryJournal(context, log);
  // Nothing of a recording was ever sent.
  const env = { ...context.env, ...proxies };
  const asked = { ...context, env, environment: childEnvironment(env), startedAt: 0 };
  const sinkContext = sinkContextOf(configuration, asked, log, authorities);
  const deliveries = createDeliveries({
    ...context,
    log,
    journal,
    sinkContext,
    latest: () => [],
    listenerOf: () => ({ requested: () => undefined, sent: () => undefined, dropped: () => undefined }),
  });
  const last = new Map<string, Snapshot>();
  await deliveries.apply(receivers.flatMap(unhurried));

  return {
    publish(snapshot) {
      last.set(snapshot.source, snapshot);
      if (journal.append(snapshot) === "appended") deliveries.notify();
    },
    async finish() {
      await settled(deliveries, context);
      const lines = deliveries.reports().map(reportLine);
      await deliveries.finish(0);
      const latest = receivers.filter(({ pacing }) => pacing.kind === "latest");
      for (const receiver of latest)
        lines.push(await pushOnce(receiver, [...last.values()], sinkContext, context));
      for (const { text } of lines) context.stderr(`${text}\n`);
      return lines.every(({ ok }) => ok) ? exitCode.ok : exitCode.failure;
    },
    async [Symbol.asyncDispose]() {
      await deliveries.finish(0);
      remove();
    },
  };
}

function openTemporaryJournal({ clock }: CommandContext, log: Logger) {
  const folder = mkdtempSync(join(tmpdir(), "mac-powermetrics-agent-push-"));
  const journal = openJournal({
    path: join(folder, "journal.db"),
    maxBytes: 10 * gigabyte,
    maxAgeMs: Infinity,
    historyMs: 0,
    minFreeBytes: 0,
    commitIntervalMs: 1000,
    clock,
    log,
    metricOf: (name) => catalogue.get(name),
  });
  return {
    journal,
    remove: () => {
      journal[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** All snapshots at once. */
export async function pushAll(
  snapshots: readonly Snapshot[],
  prepared: Pick<Prepared, "configuration" | "proxies">,
  context: CommandContext,
  log: Logger,
  authorities: SystemAuthorities,
): Promise<ExitCode> {
  const opened = await openPush(prepared, context, log, authorities);
  if (typeof opened === "number") return opened;
  await using push = opened;
  for (const snapshot of snapshots) push.publish(snapshot);
  return await push.finish();
}

/** A recording goes out in its own order, as fast as the receiver takes it, and however old it is. */
function unhurried(receiver: Receiver): readonly Receiver[] {
  if (receiver.pacing.kind === "latest") return [];
  const pacing = {
    ...receiver.pacing,
    batchDeadlineMs: 0,
    drainRate: 0,
    sampleAgeLimitMs: 0,
    mayOvertake: false,
  };
  return [{ ...receiver, pacing }];
}

/** Waits until nothing waits any more, or until no receiver that still waits has taken anything for too long. */
async function settled(deliveries: Deliveries, { clock, signal }: CommandContext): Promise<void> {
  let progress = "";
  let since = clock.monotonic();
  while (!signal.aborted) {
    const waiting = deliveries.reports().filter(({ state }) => state.backlog.snapshots > 0);
    if (waiting.length === 0 || waiting.every(({ state }) => state.status === "refused")) return;
    const now = waiting.map(({ state }) => `${state.sent} ${state.backlog.snapshots}`).join();
    if (now !== progress) since = clock.monotonic();
    progress = now;
    if (clock.monotonic() - since > longestWaitMs) return;
    await clock.sleep(lookEveryMs, signal);
  }
}

interface Line {
  readonly ok: boolean;
  readonly text: string;
}

function reportLine({ path, address, state }: DeliveryReport): Line {
  const dropped = Object.entries(state.dropped).map(([reason, samples]) => `${samples} dropped (${reason})`);
  const waiting = state.backlog.snapshots > 0 ? [`${state.backlog.snapshots} reports not sent`] : [];
  const why =
    state.lastFailure !== undefined && dropped.length + waiting.length > 0 ? [state.lastFailure.reason] : [];
  const parts = [`${state.sent} samples sent`, ...dropped, ...waiting, ...why];
  return {
    ok: dropped.length === 0 && waiting.length === 0,
    text: `${path} ${address}: ${parts.join(", ")}`,
  };
}

/** A Pushgateway keeps one push: the last of each source. */
async function pushOnce(
  receiver: Receiver,
  snapshots: readonly Snapshot[],
  sinkContext: SinkContext,
  { signal }: CommandContext,
): Promise<Line> {
  await using sink = await receiver.open(sinkContext);
  const target = `${receiver.path} ${receiver.address}`;
  const [body] = sink.encode({ snapshots }, sink.protocols[0]).bodies;
  if (body === undefined) return { ok: true, text: `${target}: nothing to send` };
  const { outcome } = await sink.send(body, sink.protocols[0], signal);
  return outcome.status === "delivered"
    ? { ok: true, text: `${target}: ${body.samples} samples sent` }
    : { ok: false, text: `${target}: ${outcome.reason}` };
}
