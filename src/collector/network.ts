/** Network traffic since the agent started, summed over the windows. */
import { agentCounter } from "../metric/metric.ts";
import type { NetworkWindow } from "../parse/sample.ts";
import { collector } from "./collector.ts";
import { createSums } from "./values.ts";

const metrics = {
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

const fields = Object.keys(metrics) as (keyof typeof metrics)[];

export const network = collector({
  source: "powermetrics",
  samplers: ["network"],
  metrics,
  create() {
    const sums = createSums();
    return (sample, observe, { accrues }) => {
      const traffic = accrues ? sample.network : undefined;
      for (const field of fields) observe(field, sums.add(field, traffic?.[field]));
    };
  },
});
