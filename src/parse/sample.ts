/**
 * The typed samples that parsers make of Apple's output. Units are in the names; what the machine did not report is absent.
 * README.md beside this file describes the formats.
 */

/** Counts of what a parser met and did not pass on; keys are names fit for a label value. */
export interface Findings {
  /** Keys or lines that no version of the format known here has, by their path. */
  readonly unknown: readonly string[];
  /** Fields whose value cannot be true and was withheld, by field name. */
  readonly implausible: readonly string[];
  /** Fields that were withheld since they were 0 while cores were busy: implausible when the next window has them too. */
  readonly zeroWhileBusy?: readonly string[];
}

/** One `powermetrics` document. */
export interface PowermetricsSample {
  /** End of the window, milliseconds since the Unix epoch: whole seconds, truncated by the tool. */
  readonly timestampMs: number;
  /** The true length of the window. */
  readonly elapsedNs: number;
  /** False for a summary or the lifetime sample, which are no window of the stream. */
  readonly isDelta: boolean;
  readonly hwModel?: string;
  readonly osBuild?: string;
  /** As sysctl said last. */
  readonly chip?: string;
  readonly osVersion?: string;
  /** Milliseconds since the Unix epoch; moves by seconds with clock changes. */
  readonly bootTimeMs?: number;
  /** Lower case, verbatim otherwise. */
  readonly thermalPressure?: string;
  readonly processor?: Processor;
  readonly gpu?: Gpu;
  readonly battery?: { readonly chargePercent?: number };
  readonly network?: NetworkWindow;
  readonly disk?: DiskWindow;
  readonly interrupts?: readonly InterruptWindow[];
  readonly smc?: Smc;
  /** Tasks or coalitions, only when asked for; pseudo-rows excluded. */
  readonly tasks?: readonly TaskWindow[];
  readonly findings: Findings;
}

/** Powers in milliwatts, energies in millijoules over the window. */
export interface Processor {
  readonly cpuMilliwatts?: number;
  readonly gpuMilliwatts?: number;
  readonly aneMilliwatts?: number;
  readonly dramMilliwatts?: number;
  /** Cpu, gpu and ane together on Apple Silicon. */
  readonly combinedMilliwatts?: number;
  /** The whole package of an Intel Mac. */
  readonly packageMilliwatts?: number;
  readonly cpuMillijoules?: number;
  readonly gpuMillijoules?: number;
  readonly aneMillijoules?: number;
  readonly packageMillijoules?: number;
  /** Apple Silicon in document order; empty on Intel. */
  readonly clusters: readonly Cluster[];
  /** Every logical CPU, in document order. */
  readonly cores: readonly Core[];
}

export interface Cluster {
  /** Verbatim: an open set (`E-Cluster`, `P0-Cluster`, `M1-Cluster`, `S-Cluster` …). */
  readonly name: string;
  readonly onlineRatio?: number;
  readonly cores: readonly Core[];
}

/** Ratios are 0…1 of the window. */
export interface Core {
  /** `cpu0` … */
  readonly id: string;
  /** The cluster's name, or absent on Intel. */
  readonly cluster?: string;
  readonly frequencyHz?: number;
  readonly activeRatio?: number;
  readonly idleRatio?: number;
  readonly downRatio?: number;
  readonly frequencyResidency?: readonly FrequencyResidency[];
}

export interface FrequencyResidency {
  readonly megahertz: number;
  readonly usedNs: number;
}

export interface Gpu {
  readonly frequencyHz?: number;
  readonly activeRatio?: number;
  readonly idleRatio?: number;
  /** Over the window. */
  readonly millijoules?: number;
  /** By position; frequencies repeat and are not sorted. */
  readonly frequencyResidency?: readonly FrequencyResidency[];
}

/** Within the window. */
export interface NetworkWindow {
  readonly receivedBytes?: number;
  readonly receivedPackets?: number;
  readonly transmittedBytes?: number;
  readonly transmittedPackets?: number;
}

/** Within the window. */
export interface DiskWindow {
  readonly readBytes?: number;
  readonly writtenBytes?: number;
  readonly reads?: number;
  readonly writes?: number;
}

/** Interrupts of one CPU within the window. */
export interface InterruptWindow {
  /** `cpu0` … */
  readonly core: string;
  readonly type: string;
  readonly count: number;
}

/** The Intel smc sampler. */
export interface Smc {
  readonly fanRpm?: number;
  readonly cpuDieCelsius?: number;
  readonly gpuDieCelsius?: number;
}

/** One task or coalition within the window. */
export interface TaskWindow {
  readonly name: string;
  readonly cpuNs?: number;
  readonly gpuNs?: number;
  /** Apple's unitless figure, over the window. */
  readonly energyImpact?: number;
  readonly wakeups?: number;
  readonly diskReadBytes?: number;
  readonly diskWrittenBytes?: number;
  readonly networkReceivedBytes?: number;
  readonly networkTransmittedBytes?: number;
}

/** One `vm_stat` report. Page counts are pages of `pageSizeBytes`; lines that were not printed are absent. */
export interface VmStatSample {
  readonly pageSizeBytes: number;
  readonly free?: number;
  readonly active?: number;
  readonly inactive?: number;
  readonly speculative?: number;
  readonly throttled?: number;
  readonly wired?: number;
  readonly purgeable?: number;
  readonly fileBacked?: number;
  readonly anonymous?: number;
  /** "Pages stored in compressor": uncompressed pages held. */
  readonly compressor?: number;
  /** "Pages occupied by compressor": physical pages used. */
  readonly compressorOccupied?: number;
  readonly copyOnWrite?: number;
  readonly zeroFilled?: number;
  readonly reactivated?: number;
  readonly purged?: number;
  readonly decompressions?: number;
  readonly compressions?: number;
  readonly pageIns?: number;
  readonly pageOuts?: number;
  readonly faults?: number;
  readonly swapIns?: number;
  readonly swapOuts?: number;
  readonly findings: Findings;
}

/** What `sysctl` said of memory, boot time, load and the machine's names. */
export interface SysctlSample {
  readonly swapTotalBytes?: number;
  readonly swapUsedBytes?: number;
  readonly swapFreeBytes?: number;
  readonly memoryBytes?: number;
  /** Milliseconds since the Unix epoch. */
  readonly bootTimeMs?: number;
  /** 1 normal, 2 warning, 4 critical. */
  readonly memoryPressureLevel?: number;
  /** Over as many minutes. */
  readonly loadAverages?: { readonly one?: number; readonly five?: number; readonly fifteen?: number };
  /** `Apple M4 Pro`; an Intel Mac's with its clock: `Intel(R) Core(TM) i9-9880H CPU @ 2.30GHz`. */
  readonly chip?: string;
  /** Of macOS: `15.5`. */
  readonly osVersion?: string;
  readonly findings: Findings;
}

/** What the user chose: how much power the machine may take. */
export type PowerMode = "low" | "automatic" | "high";

/** What `pmset -g batt` and `pmset -g` said. */
export interface PmsetSample {
  /** The source drawn from, verbatim: `AC Power`, `Battery Power`, `UPS Power`. */
  readonly powerSource?: string;
  /** `charging`, `discharging`, `charged`, `finishing charge`, `AC attached` …, verbatim; absent without a battery. */
  readonly batteryState?: string;
  readonly chargePercent?: number;
  readonly powerMode?: PowerMode;
  readonly findings: Findings;
}

/** What `ioreg` said of the battery, the power of the whole machine and the GPUs. */
export interface IoregSample {
  /** When the battery's gauge was read last, milliseconds since the Unix epoch. */
  readonly updateTimeMs?: number;
  readonly system?: SystemPower;
  /** Absent where none is installed. */
  readonly battery?: Battery;
  readonly gpus?: readonly GpuEntry[];
  readonly findings: Findings;
}

/** The whole machine, its display included. */
export interface SystemPower {
  readonly loadMilliwatts?: number;
  /** From the power adapter. */
  readonly adapterMilliwatts?: number;
  /** Negative while discharging. */
  readonly batteryMilliwatts?: number;
  /** `loadMilliwatts`, added up over `energySeconds`: once a second, on some machines through sleep too. */
  readonly energyMillijoules?: number;
  readonly energySeconds?: number;
}

export interface Battery {
  readonly cycles?: number;
  readonly capacities?: BatteryCapacities;
  readonly volts?: number;
  /** Negative while discharging. */
  readonly milliamperes?: number;
  readonly celsius?: number;
  readonly isConnected?: boolean;
  readonly isCharging?: boolean;
  readonly isFullyCharged?: boolean;
  readonly hasFailed?: boolean;
  /** What the adapter can deliver, while it is connected. */
  readonly adapterWatts?: number;
}

/** Milliampere hours. */
export interface BatteryCapacities {
  readonly design?: number;
  readonly fullCharge?: number;
  readonly nominalCharge?: number;
  readonly remaining?: number;
}

/** One IOAccelerator entry; Intel Macs may have several. */
export interface GpuEntry {
  /** Its place among them. */
  readonly index: number;
  readonly model?: string;
  readonly memoryInUseBytes?: number;
  readonly memoryAllocatedBytes?: number;
  readonly devicePercent?: number;
  readonly rendererPercent?: number;
  readonly tilerPercent?: number;
  readonly recoveries?: number;
}

/** Samples by the source that reports them. */
export interface Samples {
  readonly powermetrics: PowermetricsSample;
  readonly vm_stat: VmStatSample;
  readonly sysctl: SysctlSample;
  readonly pmset: PmsetSample;
  readonly ioreg: IoregSample;
}

export type SourceName = keyof Samples;
