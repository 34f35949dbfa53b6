/** A hand-made status for tests of what shows it. */
import type { SinkStatus, Status, TargetStatus } from "../../src/status/status.ts";

export const statusTime = Date.UTC(2026, 0, 1, 12);

export const sinkStatus: SinkStatus = {
  id: "remote_write/desk-1",
  type: "remote_write",
  target: "http://desk:9090/api/v1/write",
  state: "ok",
  protocol: "io.prometheus.write.v2.Request",
  lastSuccess: statusTime - 3000,
  latencyMs: 12.4,
  sent: 1_234_567,
  failedRequests: 0,
  dropped: {},
  backlog: { snapshots: 0, bytes: 0 },
};

export const targetStatus: TargetStatus = {
  job: "node",
  instance: "127.0.0.1:9100",
  address: "http://127.0.0.1:9100/metrics",
  intervalMs: 15_000,
  up: true,
  lastScrape: statusTime - 5000,
  durationMs: 23.4,
  series: 1234,
};

export const targetDown: TargetStatus = {
  ...targetStatus,
  job: "macmon",
  instance: "127.0.0.1:9090",
  address: "http://127.0.0.1:9090/metrics",
  up: false,
  durationMs: 2,
  series: 0,
  lastFailure: { time: statusTime - 5000, reason: "cannot connect to 127.0.0.1:9090: connection refused" },
};

export const targetNotYet: TargetStatus = {
  job: "llama",
  instance: "127.0.0.1:8080",
  address: "http://127.0.0.1:8080/metrics",
  intervalMs: 60_000,
};

/** All well on a machine of two cores. */
export function statusOf(changes: Partial<Status> = {}): Status {
  return {
    version: 1,
    time: statusTime,
    overall: { level: "ok", problems: [] },
    agent: { host: "studio.lan", version: "1.2.3", node: "v24.0.0", startedAt: statusTime - 3_600_000 },
    machine: { simulated: false, model: "Mac16,10", osBuild: "25G229" },
    sources: [
      {
        name: "powermetrics",
        intervalMs: 1000,
        up: true,
        lastSample: statusTime - 1000,
        restarts: 0,
        failures: 0,
        parseErrors: 0,
      },
    ],
    readings: {
      power: { cpu: 1.25, gpu: 0.5, ane: 0, combined: 1.75 },
      cores: [
        { core: "cpu0", cluster: "E-Cluster", activePercent: 50, frequencyHz: 1e9 },
        { core: "cpu1", cluster: "P-Cluster", activePercent: 0, frequencyHz: 0 },
      ],
      clusters: [{ cluster: "E-Cluster", activePercent: 50, frequencyHz: 1e9 }],
      gpu: { activePercent: 10, frequencyHz: 338e6 },
      thermal: "nominal",
      memory: {
        total: 16 * 2 ** 30,
        wired: 2 ** 30,
        app: 2 ** 31,
        compressed: 0,
        cached: 2 ** 30,
        free: 2 ** 33,
        pressure: "normal",
      },
      battery: {},
      celsius: {},
    },
    sinks: [sinkStatus],
    events: [{ time: statusTime - 5000, level: "info", message: "listening" }],
    ...changes,
  };
}

/** Of a laptop on its adapter whose tasks are watched. */
export const laptopReadings: Status["readings"] = {
  ...statusOf().readings,
  power: { system: 12.5, cpu: 1.25, gpu: 0.5, ane: 0, combined: 1.75 },
  energyToday: { joules: 180_000, of: "machine", since: new Date(2026, 0, 1, 9, 2).getTime() },
  gpus: [{ gpu: "0 Apple M3 Max", memoryBytes: 3 * 2 ** 30, loadPercent: 6 }],
  battery: {
    chargePercent: 80,
    state: "charging",
    watts: 22.3,
    adapterWatts: 34.8,
    adapterRatingWatts: 96,
    cycles: 322,
    designMilliampereHours: 7900,
    fullMilliampereHours: 7657,
    celsius: 33.04,
  },
  energyByApp: {
    since: statusTime - 86_000_000,
    hour: [
      { name: "Xcode", joules: 7200 },
      { name: "_other", joules: 1800 },
    ],
    day: [
      { name: "Xcode", joules: 36_000 },
      { name: "Safari", joules: 18_000 },
      { name: "_other", joules: 6000 },
    ],
    now: [
      { name: "Xcode", watts: 2.1, cpuPercent: 150 },
      { name: "Mail", watts: 0.2, cpuPercent: 20 },
      { name: "_other", watts: 0.3, cpuPercent: 160 },
    ],
  },
};
