/** Owns how a sink wants to be driven, as its configuration says: with a backlog of its own, or with what is current. */
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
