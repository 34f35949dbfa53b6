/** How a sink wants to be driven, as its configuration says: with a backlog of its own, or with what is current. */
import type { Frozen } from "../runtime/setting.ts";
import type { QueueConfig } from "./queue.ts";

export type Pacing =
  | {
      readonly kind: "history";
      /** Longest wait of a snapshot for its batch to fill up; all times in milliseconds. */
      readonly batchDeadlineMs: number;
      readonly minBackoffMs: number;
      readonly maxBackoffMs: number;
      /** Samples a second while a backlog drains; 0 is as fast as the receiver takes them. */
      readonly drainRate: number;
      /** Snapshots older than this are dropped instead of sent; 0 sends everything. */
      readonly sampleAgeLimitMs: number;
      /** Whether live snapshots may go before an old backlog. */
      readonly mayOvertake: boolean;
    }
  | { readonly kind: "latest"; readonly intervalMs: number };

export function historyPacing(queue: Frozen<QueueConfig>, mayOvertake: boolean): Pacing {
  return {
    kind: "history",
    batchDeadlineMs: queue.batch_send_deadline,
    minBackoffMs: queue.min_backoff,
    maxBackoffMs: queue.max_backoff,
    drainRate: queue.drain_rate,
    sampleAgeLimitMs: queue.sample_age_limit,
    mayOvertake,
  };
}
