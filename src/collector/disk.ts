/** Disk traffic since the agent started, summed over the windows. */
import { agentCounter } from "../metric/metric.ts";
import type { DiskWindow } from "../parse/sample.ts";
import { collector } from "./collector.ts";
import { createSums } from "./values.ts";

const metrics = {
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

const fields = Object.keys(metrics) as (keyof typeof metrics)[];

export const disk = collector({
  source: "powermetrics",
  samplers: ["disk"],
  metrics,
  create() {
    const sums = createSums();
    return (sample, observe, { accrues }) => {
      const traffic = accrues ? sample.disk : undefined;
      for (const field of fields) observe(field, sums.add(field, traffic?.[field]));
    };
  },
});
