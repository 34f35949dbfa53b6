/**
 * The model of the status API: the one document that `GET /api/v1/status`, each event, the page and `top` are made from.
 * Fields are only ever added within a version. Times are milliseconds since the Unix epoch; what is not known is absent.
 */
import type { DeliveryStatus } from "../delivery/types.ts";

export const statusVersion = 1;

export interface Status {
  readonly version: typeof statusVersion;
  /** When this was true. */
  readonly time: number;
  readonly overall: Overall;
  readonly agent: AgentIdentity;
  readonly machine: Machine;
  readonly sources: readonly SourceStatus[];
  /** The current values; nothing older than its source's limit. */
  readonly readings: Readings;
  readonly sinks: readonly SinkStatus[];
  /** Absent where nothing is scraped. */
  readonly targets?: readonly TargetStatus[];
  /** Absent where none is kept. */
  readonly journal?: JournalStatus;
  /** Newest first. */
  readonly events: readonly AgentEvent[];
  /** The effective configuration as YAML, secrets hidden; left out of `/api/v1/events`. */
  readonly configuration?: string;
}

export type OverallLevel =
  /** All sources deliver, all sinks keep up. */
  | "ok"
  /** Not every source has reported yet. */
  | "starting"
  /** Nothing is lost so far, but it needs attention. */
  | "warning"
  /** Samples are missing or are being lost. */
  | "failing";

export interface Overall {
  readonly level: OverallLevel;
  /** Each in one line; empty when the level is `ok`. */
  readonly problems: readonly string[];
}

export interface AgentIdentity {
  readonly host: string;
  /** The label `instance` of its metrics. */
  readonly instance?: string;
  readonly version: string;
  readonly node: string;
  readonly startedAt: number;
  readonly cpuSeconds?: number;
  readonly memoryBytes?: number;
}

export interface Machine {
  /** Whether the numbers are the simulator's. */
  readonly simulated: boolean;
  readonly model?: string;
  /** `Apple M4`, or Intel's own name. */
  readonly chip?: string;
  /** `26.6` */
  readonly osVersion?: string;
  readonly osBuild?: string;
}

export interface SourceStatus {
  readonly name: string;
  /** Between two samples, milliseconds. */
  readonly intervalMs: number;
  /** Absent before it was known. */
  readonly up?: boolean;
  readonly lastSample?: number;
  readonly restarts: number;
  /** Failed runs of its tool. */
  readonly failures: number;
  /** Output that could not be read. */
  readonly parseErrors: number;
  readonly lastFailure?: Failure;
}

/** A target of `scrape_configs`. */
export interface TargetStatus {
  readonly job: string;
  readonly instance: string;
  /** Without credentials and parameters. */
  readonly address: string;
  /** Between two scrapes, milliseconds. */
  readonly intervalMs: number;
  /** Of the last scrape; absent before the first. */
  readonly up?: boolean;
  readonly lastScrape?: number;
  readonly durationMs?: number;
  /** Series that were kept of the last scrape. */
  readonly series?: number;
  readonly lastFailure?: Failure;
}

export interface Failure {
  readonly time: number;
  /** One line, safe to print. */
  readonly reason: string;
}

export interface SinkStatus {
  readonly id: string;
  readonly type: string;
  /** Where it delivers to, without credentials. */
  readonly target: string;
  readonly state: DeliveryStatus;
  readonly protocol: string;
  readonly lastSuccess?: number;
  /** Of the last request, milliseconds. */
  readonly latencyMs?: number;
  /** Samples the receiver took since the agent started. */
  readonly sent: number;
  readonly failedRequests: number;
  /** Samples that it will never get, by reason; what the journal lost is among them. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly backlog: { readonly snapshots: number; readonly bytes: number; readonly oldest?: number };
  readonly nextAttempt?: number;
  /** The receiver's clock minus ours, milliseconds. */
  readonly skewMs?: number;
  /** `advice` says what to do about it. */
  readonly lastFailure?: Failure & { readonly code: string; readonly advice?: string };
}

export interface JournalStatus {
  /** False while it works from memory because its disk fails. */
  readonly durable: boolean;
  readonly reason?: string;
  readonly bytes: number;
  readonly snapshots: number;
  readonly oldest?: number;
  /** Snapshots, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Databases that could not be used and were renamed since the agent started, and when the last one was. */
  readonly setAside: number;
  readonly lastSetAside?: number;
  /** Sinks whose block was removed, while something waits for them; absent when there are none. */
  readonly orphans?: readonly OrphanStatus[];
}

export interface OrphanStatus {
  readonly id: string;
  readonly target?: string;
  /** Snapshots that wait. */
  readonly waiting: number;
  /** When the block was gone, and until when its backlog is kept. */
  readonly since: number;
  readonly until: number;
}

/** Something that happened: a source that restarted, a sink that changed its state, a wake, a drop, a reload. */
export interface AgentEvent {
  readonly time: number;
  readonly level: "info" | "warn" | "error";
  readonly message: string;
}

/** Rails of the chip, sums of them, and `system`: the whole machine with its display. */
export type Rail = "system" | "cpu" | "gpu" | "ane" | "dram" | "package" | "combined";

/** Values by meaning instead of by metric name. */
export interface Readings {
  /** Watts. */
  readonly power: Readonly<Partial<Record<Rail, number>>>;
  readonly cores: readonly CoreReading[];
  readonly clusters: readonly ClusterReading[];
  /** Today's, since local midnight. */
  readonly energyToday?: EnergyToday;
  readonly gpu: { readonly activePercent?: number; readonly frequencyHz?: number };
  /** As their drivers report them; absent where none does. */
  readonly gpus?: readonly GpuReading[];
  /** `nominal`, `moderate`, `heavy`, `trapping`, `sleeping`, or a state that macOS added since. */
  readonly thermal?: string;
  readonly memory: MemoryReading;
  readonly battery: BatteryReading;
  /** Intel only, by sensor. */
  readonly celsius: Readonly<Record<string, number>>;
  readonly fanRpm?: number;
  /** Absent unless tasks are watched. */
  readonly energyByApp?: EnergyByApp;
  /** Length of the window that powermetrics' values are of. */
  readonly windowSeconds?: number;
  /** Counters by the column of the history whose mean is their rate: joules of `power.cpu`, bytes of `disk.read`; of `machine.power` the gauge's, by its `machine.seconds`. */
  readonly totals?: Readonly<Record<string, number>>;
}

export interface EnergyToday {
  readonly joules: number;
  readonly of: "machine" | "chip";
  /** The first of today's samples. */
  readonly since: number;
  /** Where the configuration has a price. */
  readonly cost?: { readonly amount: number; readonly currency: string };
}

export interface GpuReading {
  /** Its number and model. */
  readonly gpu: string;
  readonly loadPercent?: number;
  readonly memoryBytes?: number;
}

/** Estimated; the most first, and what has no place of its own at the end as `_other`. */
export interface EnergyByApp {
  /** The first sample that was counted, a day ago at most. */
  readonly since: number;
  /** In the last hour and the last day. */
  readonly hour: readonly AppReading[];
  readonly day: readonly AppReading[];
  /** In the last sample's window; absent until there is one that follows another. */
  readonly now?: readonly AppLoad[];
}

export interface AppLoad {
  readonly name: string;
  readonly watts: number;
  /** Of one core. */
  readonly cpuPercent?: number;
}

export interface AppReading {
  readonly name: string;
  readonly joules: number;
}

export interface CoreReading {
  readonly core: string;
  readonly cluster?: string;
  readonly activePercent?: number;
  readonly frequencyHz?: number;
}

export interface ClusterReading {
  readonly cluster: string;
  readonly activePercent?: number;
  readonly frequencyHz?: number;
}

/** Bytes, split as Activity Monitor does. */
export interface MemoryReading {
  readonly total?: number;
  readonly wired?: number;
  /** Anonymous pages that are not purgeable. */
  readonly app?: number;
  /** What the compressor occupies. */
  readonly compressed?: number;
  /** File-backed and purgeable pages. */
  readonly cached?: number;
  readonly free?: number;
  readonly swapUsed?: number;
  readonly swapTotal?: number;
  readonly pressure?: "normal" | "warning" | "critical";
}

export interface BatteryReading {
  readonly chargePercent?: number;
  /** As pmset prints it: `charging`, `AC attached`. */
  readonly state?: string;
  /** `AC Power`, `Battery Power`. */
  readonly source?: string;
  readonly lowPowerMode?: boolean;
  /** Into the battery, negative while it discharges. */
  readonly watts?: number;
  readonly adapterWatts?: number;
  /** What the connected adapter could deliver. */
  readonly adapterRatingWatts?: number;
  readonly cycles?: number;
  readonly designMilliampereHours?: number;
  /** When full, as its gauge estimates it now. */
  readonly fullMilliampereHours?: number;
  readonly celsius?: number;
}
