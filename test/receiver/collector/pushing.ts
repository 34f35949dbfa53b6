/** The pushing half of an agent on the system's clock, with one `otlp` block, ended and started again on the same journal. */
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createDeliveries } from "../../../src/delivery/deliveries.ts";
import type { DeliveryState } from "../../../src/delivery/types.ts";
import { openJournal } from "../../../src/journal/journal.ts";
import type { Snapshot } from "../../../src/meter/snapshot.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { createHttpClient } from "../../../src/runtime/http/client.ts";
import { receiversOf } from "../../../src/sink/index.ts";
import { otlpSchema } from "../../../src/sink/otlp/schema.ts";
import { until } from "../../cli/agent.ts";
import { basicOptions } from "../../journal/fixtures.ts";
import { energy, faults, frequency, latency, power } from "../../sink/remote-write/batches.ts";
import { sinkContext } from "../../support/sink-context.ts";
import { disposableFolder, fastParent } from "../../support/folder.ts";
import { recordingLogger, type LogLine } from "../../support/log.ts";

export interface Pushing {
  publish(...snapshots: readonly Snapshot[]): void;
  state(): DeliveryState;
  /** What was logged and what failed so far, as one text. */
  told(): string;
  /** Waits until the state is so. */
  until(so: (state: DeliveryState) => boolean): Promise<void>;
  /** Waits until nothing waits any more. */
  drained(): Promise<void>;
  /** Ends as at SIGTERM, with this much time, and starts again; with another block where given. */
  restart(budgetMs: number, block?: object): Promise<void>;
}

const declared = [power, frequency, faults, energy, latency];
const queue = { batch_send_deadline: "20ms", min_backoff: "20ms", max_backoff: "100ms", drain_rate: 0 };

export async function startPushing(t: TestContext, block: object): Promise<Pushing> {
  const { path: folder, [Symbol.dispose]: removeFolder } = disposableFolder({ parent: fastParent });
  const lines: LogLine[] = [];
  const log = recordingLogger(lines);
  let present = block;
  let agent = await start();

  async function start() {
    const journal = openJournal({
      ...basicOptions(join(folder, "journal.db"), systemClock),
      metricOf: (name) => declared.find((metric) => metric.name === name),
    });
    const world = sinkContext((settings) => createHttpClient(settings, { clock: systemClock, env: {} }));
    const deliveries = createDeliveries({
      journal,
      sinkContext: { ...world, startedAt: Date.now() },
      latest: () => [],
      listenerOf: () => ({ requested: () => undefined, sent: () => undefined, dropped: () => undefined }),
      clock: systemClock,
      // No herd has to be spread here.
      random: () => 0,
      log,
    });
    const otlp = otlpSchema.parse({ name: "collector", queue_config: queue, ...present });
    await deliveries.apply(receiversOf({ remote_write: [], otlp: [otlp], pushgateway: [] }));
    return { journal, deliveries };
  }

  async function end(budgetMs: number): Promise<void> {
    agent.journal.commit();
    await agent.deliveries.finish(budgetMs);
    agent.journal[Symbol.dispose]();
  }

  t.after(async () => {
    await end(0);
    removeFolder();
  });

  function state(): DeliveryState {
    const [report] = agent.deliveries.reports();
    if (report === undefined) throw new Error("there is no delivery");
    return report.state;
  }

  const told = (): string =>
    [...lines.map((line) => JSON.stringify(line)), state().lastFailure?.reason ?? ""].join("\n");

  async function untilState(so: (state: DeliveryState) => boolean): Promise<void> {
    await until(
      () => (so(state()) ? true : undefined),
      () => `not so in time: ${JSON.stringify(state())}\n${told()}`,
    );
  }

  return {
    publish(...snapshots) {
      for (const snapshot of snapshots) agent.journal.append(snapshot);
      agent.deliveries.notify();
    },
    state,
    told,
    until: untilState,
    drained: () => untilState(({ backlog }) => backlog.snapshots === 0),
    async restart(budgetMs, next = present) {
      await end(budgetMs);
      present = next;
      agent = await start();
    },
  };
}
