/** The contract between delivery and every protocol: encode is pure, send classifies, neither throws for what the network does. */
import type { Snapshot } from "../meter/snapshot.ts";
import type { Series } from "../metric/series.ts";
import type { HttpClient } from "../runtime/http/client.ts";

/** Snapshots in the order they were taken, oldest first; `ended` series of each are owed an end mark at its time. */
export interface Batch {
  readonly snapshots: readonly Snapshot[];
}

/** A request's body, frozen before its first send: a retry sends these very bytes. */
export interface Body {
  readonly bytes: Uint8Array;
  /** Samples in the body, end marks excluded. */
  readonly samples: number;
  /** End marks in the body; none when absent. */
  readonly marks?: number;
}

export interface EncodedBatch {
  /** In the order in which they are to be sent; none when nothing is left to send. */
  readonly bodies: readonly Body[];
  /** Samples of the batch that are in no body, by reason (`relabel`, `invalid`, …). */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Counts what a batch leaves out, by reason. */
export interface Drops<Reason extends string> {
  add(reason: Reason, count: number): void;
  /** Reasons with a count of zero are left out. */
  counts(): Readonly<Record<string, number>>;
}

export function createDrops<Reason extends string>(before: EncodedBatch["dropped"] = {}): Drops<Reason> {
  const dropped = new Map(Object.entries(before));
  return {
    add(reason, count) {
      if (count > 0) dropped.set(reason, (dropped.get(reason) ?? 0) + count);
    },
    counts: () => Object.fromEntries(dropped),
  };
}

/**
 * What became of one request. `code` is the HTTP status or the failure's code, for mac_agent_sink_requests_total;
 * `reason` is one line for the log and the page, safe to print.
 */
export type Outcome =
  /** Stored. `rejected` samples were refused for good by the receiver and are counted as dropped. */
  | {
      readonly status: "delivered";
      readonly code: string;
      readonly rejected: number;
      readonly reason?: string;
    }
  /** The identical bytes again, not before `afterMs` when the receiver said so. `notStored`: it has stored nothing of them, for sure. */
  | {
      readonly status: "retry";
      readonly code: string;
      readonly reason: string;
      readonly afterMs?: number;
      readonly notStored?: true;
    }
  /** Never the same body again: the batch is dropped and counted. */
  | { readonly status: "rejected"; readonly code: string; readonly reason: string }
  /** The receiver answers the request, not its samples (401, 404, 405 …): keep the backlog, probe with one small batch. */
  | { readonly status: "refused"; readonly code: string; readonly reason: string }
  /** The receiver wants a smaller body (413): the same samples in two halves; a single one is lost, unless `keep` says that it is not. */
  | { readonly status: "too_large"; readonly code: string; readonly reason: string; readonly keep?: true }
  /** The receiver does not speak this protocol: the same samples in that one. */
  | { readonly status: "switch"; readonly code: string; readonly reason: string; readonly protocol: string };

/** The result of one request; with the receiver's clock by its `Date` header, for the clock guard. */
export interface SendResult {
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** Receiver's time minus ours, milliseconds; absent without a usable `Date`. Resolution is one second. */
  readonly skewMs?: number;
}

export interface Sink extends AsyncDisposable {
  /** Stable across restarts for one configured destination: the cursor's key. */
  readonly id: string;
  readonly type: "remote_write" | "otlp" | "pushgateway";
  /** Stands for the receiver's address. */
  readonly target: string;
  /** Of one body, end marks included. */
  readonly maxSamples: number;
  /** Of one batch. */
  readonly maxBodies: number;
  /** Limit of the encoded body; delivery splits a batch that exceeds it. */
  readonly maxBytes: number;
  /** Protocols in order of preference; the first is tried until the receiver switches. */
  readonly protocols: readonly [string, ...string[]];
  /** What `encode` depends on besides its batch, saved with every acknowledgement so that it survives a restart. */
  readonly memory?: {
    save(): string;
    /** Takes on what another process saved; an empty text for the first one. */
    restore(saved: string): void;
  };
  /** Deterministic: the same batch, protocol and memory give the same bytes. */
  encode(batch: Batch, protocol: string): EncodedBatch;
  /**
   * A body of the latest `encode`, or a half of one, in two bodies, divided by series; undefined where nothing is left to
   * divide. As deterministic as `encode`. Absent where a request can't go in parts.
   */
  halves?(body: Body): readonly [Body, Body] | undefined;
  send(body: Body, protocol: string, signal: AbortSignal): Promise<SendResult>;
  /** An empty request that stores nothing: whether the receiver answers and accepts the credentials, and its time. */
  probe(protocol: string, signal: AbortSignal): Promise<SendResult>;
  /** New connections after wake. */
  renew(): void;
  /** Removes what was pushed on an orderly shutdown, where the protocol can (Pushgateway's DELETE). */
  retire?(signal: AbortSignal): Promise<SendResult>;
}

/** What every sink is made with. */
export interface SinkDeps {
  /** Its cursor's; by default the sink's type. */
  readonly id?: string;
  /** Used by this sink only, and disposed of with it. */
  readonly client: HttpClient;
  readonly identity: Identity;
  /** The agent's, for User-Agent. */
  readonly version: string;
}

/** Who a series belongs to: `job`, `instance` and the external labels, which no collector knows. */
export interface Identity {
  readonly job: string;
  readonly instance: string;
  /** Of lowest rank: a series' own labels, `job` and `instance` win over them, as in Prometheus. */
  readonly externalLabels: Readonly<Record<string, string>>;
}

/** All labels of a series on the wire, `__name__` included, unordered; no label is empty, since that is no label. */
export function identifiedLabels({ name, labels }: Series, identity: Identity): Map<string, string> {
  const all = new Map(Object.entries(identity.externalLabels));
  all.set("job", identity.job);
  all.set("instance", identity.instance);
  for (const [label, value] of labels) all.set(label, value);
  all.set("__name__", name);
  for (const [label, value] of all) if (label === "" || value === "") all.delete(label);
  return all;
}
