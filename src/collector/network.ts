/** Network traffic since the agent started, summed over the windows. */
import { agentCounter } from "../metric/metric.ts";
import { collector } from "./collector.ts";
import { sum } from "./sum.ts";

export const network = collector({
  source: "powermetrics",
  samplers: ["network"],
  metrics: {
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
  },
  create() {
    const sums = {
      receivedBytes: sum(),
      receivedPackets: sum(),
      transmittedBytes: sum(),
      transmittedPackets: sum(),
    };
    return (sample, observe, { accrues }) => {
      const traffic = accrues ? sample.network : undefined;
      observe("receivedBytes", sums.receivedBytes.add(traffic?.receivedBytes));
      observe("receivedPackets", sums.receivedPackets.add(traffic?.receivedPackets));
      observe("transmittedBytes", sums.transmittedBytes.add(traffic?.transmittedBytes));
      observe("transmittedPackets", sums.transmittedPackets.add(traffic?.transmittedPackets));
    };
  },
});
