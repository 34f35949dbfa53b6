/** Traffic of network and disks since the agent started, summed over the windows. */
import { agentCounter } from "../metric/metric.ts";
import type { DiskWindow, NetworkWindow } from "../parse/sample.ts";
import { collector } from "./collector.ts";
import { createSums } from "./values.ts";

const networkMetrics = {
  receivedBytes: agentCounter(
    "powermetrics_network_receive_bytes_total",
    "Bytes received, summed over all sample windows",
  ),
  receivedPackets: agentCounter(
    "powermetrics_network_receive_packets_total",
    "Packets received, summed over all sample windows",
  ),
  transmittedBytes: agentCounter(
    "powermetrics_network_transmit_bytes_total",
    "Bytes transmitted, summed over all sample windows",
  ),
  transmittedPackets: agentCounter(
    "powermetrics_network_transmit_packets_total",
    "Packets transmitted, summed over all sample windows",
  ),
} satisfies Partial<Record<keyof NetworkWindow, unknown>>;

export const network = collector({
  source: "powermetrics",
  samplers: ["network"],
  metrics: networkMetrics,
  create() {
    const add = createTrafficSums(networkMetrics);
    return (sample, observe, { accrues }) => {
      for (const [field, total] of add(accrues ? sample.network : undefined)) observe(field, total);
    };
  },
});

const diskMetrics = {
  readBytes: agentCounter(
    "powermetrics_disk_read_bytes_total",
    "Bytes read from disks, summed over all sample windows",
  ),
  writtenBytes: agentCounter(
    "powermetrics_disk_written_bytes_total",
    "Bytes written to disks, summed over all sample windows",
  ),
  reads: agentCounter(
    "powermetrics_disk_reads_total",
    "Read operations of disks, summed over all sample windows",
  ),
  writes: agentCounter(
    "powermetrics_disk_writes_total",
    "Write operations of disks, summed over all sample windows",
  ),
} satisfies Partial<Record<keyof DiskWindow, unknown>>;

export const disk = collector({
  source: "powermetrics",
  samplers: ["disk"],
  metrics: diskMetrics,
  create() {
    const add = createTrafficSums(diskMetrics);
    return (sample, observe, { accrues }) => {
      for (const [field, total] of add(accrues ? sample.disk : undefined)) observe(field, total);
    };
  },
});

/** Adds a window's fields, one for each metric, and gives their sums so far. */
function createTrafficSums<Field extends string>(metrics: Readonly<Record<Field, unknown>>) {
  const fields = Object.keys(metrics) as Field[];
  const sums = createSums();
  return (window: Readonly<Partial<Record<Field, number>>> | undefined) =>
    fields.map((field) => [field, sums.add(field, window?.[field])] as const);
}
