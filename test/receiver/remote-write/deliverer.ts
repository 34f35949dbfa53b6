/** The pushing half of an agent on the system's clock: a journal, and one remote write sink to a real receiver. */
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createDeliveries } from "../../../src/delivery/deliveries.ts";
import type { DeliveryState } from "../../../src/delivery/types.ts";
import { openJournal } from "../../../src/journal/journal.ts";
import type { Snapshot } from "../../../src/meter/snapshot.ts";
import { systemClock, type Clock } from "../../../src/runtime/clock.ts";
import { createHttpClient } from "../../../src/runtime/http/client.ts";
import { silentLogger } from "../../../src/runtime/log.ts";
import { receiversOf } from "../../../src/sink/index.ts";
import { remoteWriteSchema } from "../../../src/sink/remote-write/schema.ts";
import { until } from "../../cli/agent.ts";
import { metricOf } from "../../journal/fixtures.ts";
import { sinkContext } from "../../support/sink-context.ts";
import { disposableFolder, fastParent } from "../../support/folder.ts";

export interface Deliverer {
  publish(snapshot: Snapshot): void;
  state(): DeliveryState;
  /** Nothing waits any more. */
  drained(): Promise<void>;
}

export async function deliverer(
  t: TestContext,
  url: string,
  queue: object,
  clock: Clock = systemClock,
): Promise<Deliverer> {
  const { path: folder, [Symbol.dispose]: removeFolder } = disposableFolder({ parent: fastParent });
  const journal = openJournal({
    path: join(folder, "journal.db"),
    maxBytes: 2 ** 28,
    maxAgeMs: Infinity,
    historyMs: 0,
    minFreeBytes: 0,
    commitIntervalMs: 1000,
    clock,
    log: silentLogger,
    metricOf,
  });
  const deliveries = createDeliveries({
    journal,
    sinkContext: sinkContext((settings) => createHttpClient(settings, { clock, env: {} }), {
      job: "mac-powermetrics",
      instance: "mac.test",
    }),
    latest: () => [],
    listenerOf: () => ({ requested: () => undefined, sent: () => undefined, dropped: () => undefined }),
    clock,
    // No herd has to be spread here.
    random: () => 0,
    log: silentLogger,
  });
  t.after(async () => {
    await deliveries.finish(0);
    journal[Symbol.dispose]();
    removeFolder();
  });
  const block = remoteWriteSchema.parse({ url, queue_config: queue });
  await deliveries.apply(receiversOf({ remote_write: [block], otlp: [], pushgateway: [] }));

  function state(): DeliveryState {
    const [report] = deliveries.reports();
    if (report === undefined) throw new Error("there is no delivery");
    return report.state;
  }
  return {
    publish(snapshot) {
      journal.append(snapshot);
      deliveries.notify();
    },
    state,
    drained: () =>
      until(
        () => (state().backlog.snapshots === 0 ? true : undefined),
        () => `still waiting: ${JSON.stringify(state())}`,
      ).then(() => undefined),
  };
}
