/** Disk traffic since the agent started, summed over the windows. */
import { agentCounter } from "../metric/metric.ts";
import { collector } from "./collector.ts";
import { sum } from "./sum.ts";

export const disk = collector({
  source: "powermetrics",
  samplers: ["disk"],
  metrics: {
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
  },
  create() {
    const sums = { readBytes: sum(), writtenBytes: sum(), reads: sum(), writes: sum() };
    return (sample, observe, { accrues }) => {
      const traffic = accrues ? sample.disk : undefined;
      observe("readBytes", sums.readBytes.add(traffic?.readBytes));
      observe("writtenBytes", sums.writtenBytes.add(traffic?.writtenBytes));
      observe("reads", sums.reads.add(traffic?.reads));
      observe("writes", sums.writes.add(traffic?.writes));
    };
  },
});
